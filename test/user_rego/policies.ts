/** A policy as users write it: what staging needs, what production needs, and what no session may do. */
export const deploy = {
  file: "deploy.rego",
  text: `package agent.deploy
import future.keywords.in
default allow := false
default requires_human_approval := false
allow if { input.environment == "staging"; input.facts.artifact_signed == true; input.facts.tests_passed == true }
requires_human_approval if { input.environment == "production" }
deny if { input.action in ["iam:CreateRole", "secretsmanager:PutSecretValue"] }
allow if {
    input.environment == "production"
    input.session_attestation.anomalies_detected == false
    input.session_attestation.role in {"senior-engineer", "platform-lead"}
    verify_signature(input.session_attestation)
}
deny if { input.environment == "production"; "pii" in input.session_attestation.data_classification; not input.session_attestation.clearance == "tier-1" }
`,
};

/** True for an empty input alone; false is undefined. */
export const simple = { file: "simple.rego", text: "package simple\n\nallow if count(input) == 0\n" };

/** Compares texts step by step: with two long ones it takes minutes, and no memory. */
export const slow = { file: "slow.rego", text: "package slow\n\nallow if contains(input.text, input.part)\n" };
export const endless = { text: "a".repeat(1_000_000), part: `${"a".repeat(500_000)}b` };

/** Never finds anything, and needs memory for every step. */
export const greedy = {
  file: "greedy.rego",
  text: `package greedy

steps := numbers.range(1, 100000)

allow if {
	some x in steps
	some y in steps
	some z in steps
	x + y + z < 0
}
`,
};
