package agent.deploy

import future.keywords.in

default allow := false

allow if {
	input.environment == "staging"
	input.facts.artifact_signed == true
	input.facts.tests_passed == true
}

allow if {
	input.environment == "production"
	input.session_attestation.anomalies_detected == false
	input.session_attestation.session_integrity == "clean"
	input.session_attestation.role in {"senior-engineer", "platform-lead"}
	verify_signature(input.session_attestation)
}

deny if {
	input.action in ["iam:CreateRole", "secretsmanager:PutSecretValue"]
}

# Block a deployment to production if the agent has touched personal data during the session and the role that started it
# is not cleared for that. Nothing here asks for approval: a redeemed one would stand in for `allow`, whatever the session.
deny if {
	input.environment == "production"
	"pii" in input.session_attestation.data_classification
	not input.session_attestation.clearance == "tier-1"
}
