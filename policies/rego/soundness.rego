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
	only(file, {"file", "grants", "tools", "deny_actions", "actions"})
	is_string(file.file)
	is_boolean(file.grants)
	texts(object.get(file, "tools", []))
	sound_denials(object.get(file, "deny_actions", {"exact": [], "prefixes": [], "mode": "enforce"}))
	is_array(file.actions)
	every action in file.actions { is_string(action.name) }
}

sound_denials(deny) if {
	only(deny, {"exact", "prefixes", "mode"})
	deny.mode in modes
	texts(deny.exact)
	texts(deny.prefixes)
}

# Only of what applies to the call: a document may list thousands of actions.
sound_entry(entry) if {
	only(entry, {"entry", "grants", "name", "rules", "approval", "sanitize", "sanitize_mode"})
	is_array(entry.rules)
	every rule in entry.rules { sound_rule(rule) }
	sound_approval(entry)
	sound_sanitize(entry)
}

sound_rule(rule) if {
	is_string(rule.rule)
	rule.mode in modes
	sound_kind(rule)
}

sound_kind(rule) if {
	rule.kind == "environments"
	only(rule, {"rule", "mode", "kind", "values"})
	texts(rule.values)
}

sound_kind(rule) if {
	rule.kind == "images"
	only(rule, {"rule", "mode", "kind", "images"})
	is_array(rule.images)
	every image in rule.images {
		only(image, {"digest", "repository"})
		is_string(image.digest)
		is_string(object.get(image, "repository", ""))
	}
}

sound_kind(rule) if {
	rule.kind in {"max", "min"}
	only(rule, {"rule", "mode", "kind", "param", "limit"})
	is_string(rule.param)
	is_number(rule.limit)
}

sound_approval(entry) if not "approval" in object.keys(entry)

sound_approval(entry) if {
	only(entry.approval, {"source", "mode", "condition"})
	is_string(entry.approval.source)
	entry.approval.mode in modes
	is_object(entry.approval.condition)
}

sound_sanitize(entry) if {
	not "sanitize" in object.keys(entry)
	not "sanitize_mode" in object.keys(entry)
}

sound_sanitize(entry) if {
	entry.sanitize_mode in modes
	only(entry.sanitize, {"headers", "query"})
	every part in [entry.sanitize.headers, entry.sanitize.query] {
		only(part, {"set", "remove"})
		is_object(part.set)
		texts(part.remove)
	}
}

texts(list) if {
	is_array(list)
	every text in list { is_string(text) }
}

only(object_, keys) if object.keys(object_) - keys == set()
