# What `require` asks of the session that a call belongs to.
package countersign

# For calls for which its condition is false a rule asks nothing. A condition that has no value excuses nobody.
satisfied(kind, rule) if {
	kind in session_kinds
	condition_truth(rule.when.condition) == "false"
}

satisfied(kind, _) if {
	kind == "session_bound"
	input.session.bound == true
}

satisfied(kind, rule) if {
	kind == "session_role"
	input.session_attestation.role in rule.values
}

satisfied(kind, _) if {
	kind == "session_integrity"
	input.session_attestation.session_integrity == "clean"
}

satisfied(kind, _) if {
	kind == "session_anomalies"
	input.session_attestation.anomalies_detected == false
}

satisfied(kind, rule) if {
	kind == "session_clearance"
	input.session_attestation.clearance in rule.values
}

satisfied(kind, rule) if {
	kind == "session_clearance"
	is_array(input.session_attestation.data_classification)
	every touched in input.session_attestation.data_classification { other_data(touched, rule.classification) }
}

session_kinds := {"session_bound", "session_role", "session_integrity", "session_anomalies", "session_clearance"}

# Others that attest write `PII` for `pii`.
other_data(touched, classification) if folded(touched) != folded(classification)

# --- what is said of a breach ------------------------------------------------------------------------------------

session_particulars(rule) := {} if {
	rule.kind == "session_bound"
} else := object.union(session_facts(rule), unseen)

session_facts(rule) := {"limit": rule.values, "actual": attested("role")} if {
	rule.kind == "session_role"
} else := {"limit": "clean", "actual": attested("session_integrity")} if {
	rule.kind == "session_integrity"
} else := {"actual": object.get(input, ["session", "anomalies"], null)} if {
	rule.kind == "session_anomalies"
} else := {"limit": rule.values, "actual": attested("clearance")} if {
	rule.kind == "session_clearance"
}

attested(name) := object.get(input, ["session_attestation", name], null)

# Where nobody looked at the session, nothing can be said of it.
unseen := {} if {
	is_object(input.session_attestation)
} else := {"unseen": true}
