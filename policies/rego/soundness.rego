# What a document must look like to be judged by. The compiler writes nothing else. Should anything else arrive (a bundle
# put together by hand, a format newer than this program), a rule could be lost unseen, so there is no decision at all,
# and every caller takes that for a denial. Stated as what must hold, since `not` of something undefined is no proof.
package countersign

sound if not document

sound if {
	document.mode in modes
	is_array(document.files)
	every file in document.files { sound_file(file) }
	every entry in entries { sound_entry(entry) }
}

modes := {"enforce", "shadow"}

sound_file(file) if {
	only(file, {"file", "guardrail", "grants", "tools", "deny_actions", "egress", "actions"})
	is_string(file.file)
	is_boolean(file.guardrail)
	is_boolean(file.grants)
	texts(object.get(file, "tools", []))
	sound_denials(object.get(file, "deny_actions", {"exact": [], "prefixes": [], "mode": "enforce"}))
	sound_egress(object.get(file, "egress", {"allow": [], "mode": "enforce"}))
	is_array(file.actions)
	every action in file.actions { is_string(action.name) }
}

sound_denials(deny) if {
	only(deny, {"exact", "prefixes", "mode", "on_violation"})
	sound_standing(deny)
	texts(deny.exact)
	texts(deny.prefixes)
}

sound_egress(egress) if {
	only(egress, {"allow", "mode", "on_violation"})
	sound_standing(egress)
	is_array(egress.allow)
	every permitted in egress.allow {
		only(permitted, {"text", "host", "wildcard", "port"})
		texts([permitted.text, permitted.host])
		is_boolean(permitted.wildcard)
		is_number(object.get(permitted, "port", 1))
	}
}

sound_standing(rule) if {
	rule.mode in modes
	object.get(rule, "on_violation", "approval_needed") == "approval_needed"
}

# Only of what applies to the call: a document may list thousands of actions.
sound_entry(entry) if {
	only(entry, {"entry", "grants", "own", "name", "rules", "approval", "terms", "sanitize", "sanitize_mode"})
	is_array(entry.rules)
	every rule in entry.rules { sound_rule(rule) }
	sound_approval(entry)
	sound_terms(object.get(entry, "terms", {}))
	sound_sanitize(entry)
}

sound_rule(rule) if {
	is_string(rule.rule)
	sound_standing(rule)
	only(rule, {"rule", "kind", "mode", "on_violation"} | members[rule.kind])
	sound_kind(rule)
}

# What a rule of each kind has beside what every rule has.
members := {
	"environments": {"values"},
	"images": {"images"},
	"max": {"param", "limit"},
	"min": {"param", "limit"},
	"param_required": {"param"},
	"param_type": {"param", "type"},
	"param_pattern": {"param", "pattern"},
	"param_enum": {"param", "values"},
	"param_forbid": {"param", "detector"},
	"additional": {"names"},
	"window_allow": {"zone", "slots"},
	"window_deny": {"zone", "slots"},
	"session_bound": {"when"},
	"session_role": {"values", "when"},
	"session_integrity": {"when"},
	"session_anomalies": {"when"},
	"session_clearance": {"classification", "values", "when"},
	"dlp_deny": {"detector"},
	"dlp_redact": {"detector"},
	"dlp_tag": {"detector", "tag"},
	"rego": {"package"},
	"cost": {"base_micro", "per"},
}

sound_kind(rule) if {
	rule.kind == "environments"
	texts(rule.values)
}

sound_kind(rule) if {
	rule.kind == "images"
	is_array(rule.images)
	every image in rule.images { sound_image(image) }
}

sound_kind(rule) if {
	rule.kind in {"max", "min"}
	is_string(rule.param)
	is_number(rule.limit)
}

sound_kind(rule) if {
	rule.kind == "param_enum"
	is_string(rule.param)
	is_array(rule.values)
}

sound_kind(rule) if {
	rule.kind == "additional"
	texts(rule.names)
}

sound_kind(rule) if {
	rule.kind in {"window_allow", "window_deny"}
	is_string(rule.zone)
	is_array(rule.slots)
	every slot in rule.slots {
		only(slot, {"day", "from", "to"})
		every part in ["day", "from", "to"] { is_number(slot[part]) }
	}
}

sound_kind(rule) if {
	rule.kind in {"session_bound", "session_integrity", "session_anomalies"}
	sound_when(rule)
}

sound_kind(rule) if {
	rule.kind == "session_role"
	texts(rule.values)
	sound_when(rule)
}

sound_kind(rule) if {
	rule.kind == "session_clearance"
	is_string(rule.classification)
	texts(rule.values)
	sound_when(rule)
}

# All other members of these are texts.
sound_kind(rule) if {
	rule.kind in {
		"param_required", "param_type", "param_pattern", "param_forbid",
		"dlp_deny", "dlp_redact", "dlp_tag", "rego",
	}
	every name in members[rule.kind] { is_string(rule[name]) }
}

sound_kind(rule) if {
	rule.kind == "cost"
	is_number(rule.base_micro)
	is_object(rule.per)
	every _, each in rule.per { is_number(each) }
}

# A digest, a repository or both; an entry that asks for nothing would match every image.
sound_image(image) if {
	only(image, {"digest", "repository"})
	count(image) > 0
	every _, text in image { is_string(text) }
}

sound_terms(terms) if {
	only(terms, {"approvers", "quorum", "expires_in_ms", "hold_ms", "escalate"})
	texts(object.get(terms, "approvers", []))
	every name in ["quorum", "expires_in_ms", "hold_ms"] { is_number(object.get(terms, name, 1)) }
	sound_escalation(object.get(terms, "escalate", {"after_ms": 1, "to": []}))
}

sound_escalation(escalate) if {
	only(escalate, {"after_ms", "to"})
	is_number(escalate.after_ms)
	texts(escalate.to)
}

sound_approval(entry) if not "approval" in object.keys(entry)

sound_approval(entry) if {
	only(entry.approval, {"source", "mode", "condition"})
	is_string(entry.approval.source)
	entry.approval.mode in modes
	is_object(entry.approval.condition)
}

sound_when(rule) if not "when" in object.keys(rule)

sound_when(rule) if {
	only(rule.when, {"source", "condition"})
	is_string(rule.when.source)
	is_object(rule.when.condition)
}

sound_sanitize(entry) if {
	not "sanitize" in object.keys(entry)
	not "sanitize_mode" in object.keys(entry)
}

sound_sanitize(entry) if {
	entry.sanitize_mode in modes
	only(entry.sanitize, {"headers", "query"})
	every part in [entry.sanitize.headers, entry.sanitize.query] {
		only(part, {"set", "remove", "redact"})
		is_object(part.set)
		every _, text in part.set { is_string(text) }
		texts(part.remove)
		texts(part.redact)
	}
}

texts(list) if {
	is_array(list)
	every text in list { is_string(text) }
}

only(object_, keys) if object.keys(object_) - keys == set()
