# The rules of an action, kind by kind: when one is satisfied, and what is said of one that is not.
package countersign

# The order in which breaches are reported.
ranks := {
	"environments": 1,
	"images": 2,
	"max": 3,
	"min": 4,
	"param_required": 5,
	"param_type": 5,
	"param_pattern": 5,
	"param_enum": 5,
	"param_forbid": 5,
	"additional": 6,
	"window_allow": 7,
	"window_deny": 7,
	"session_bound": 8,
	"session_role": 8,
	"session_integrity": 8,
	"session_anomalies": 8,
	"session_clearance": 8,
	"dlp_deny": 9,
	"dlp_redact": 9,
	"dlp_tag": 9,
	"rego": 10,
	"cost": 11,
}

satisfied(kind, rule) if {
	kind == "environments"
	input.environment in rule.values
}

satisfied(kind, rule) if {
	kind == "images"
	is_array(input.images)
	count(input.images) > 0
	every image in input.images {
		some permitted in rule.images
		image_matches(image, permitted)
	}
}

satisfied(kind, rule) if {
	kind in parameter_kinds
	absent(rule.folded)
}

satisfied(kind, rule) if {
	kind in parameter_kinds
	only_spelling(rule.folded, rule.param)
	value_satisfies(rule, input.params[rule.param])
}

satisfied(kind, rule) if {
	kind == "param_required"
	only_spelling(rule.folded, rule.param)
	input.params[rule.param] != null
}

satisfied(kind, rule) if {
	kind == "param_forbid"
	absent(rule.folded)
}

satisfied(kind, rule) if {
	kind == "param_forbid"
	only_spelling(rule.folded, rule.param)
	scanned(rule.detector)
	every hit in input.dlp.hits { harmless(hit, rule) }
}

satisfied(kind, rule) if {
	kind == "additional"
	is_object(input.params)
	every name in object.keys(input.params) { name in rule.names }
}

satisfied(kind, rule) if {
	kind == "window_allow"
	some slot in rule.slots
	within(slot, input.time.zones[rule.zone])
}

satisfied(kind, rule) if {
	kind == "window_deny"
	every slot in rule.slots { outside(slot, input.time.zones[rule.zone]) }
}

satisfied(kind, rule) if {
	kind == "dlp_deny"
	scanned(rule.detector)
	every hit in input.dlp.hits { hit.detector != rule.detector }
}

# What was found in a place that cannot be changed cannot be redacted either.
satisfied(kind, rule) if {
	kind == "dlp_redact"
	scanned(rule.detector)
	every hit in input.dlp.hits { other_or_redactable(hit, rule.detector) }
}

satisfied(kind, rule) if {
	kind == "dlp_tag"
	scanned(rule.detector)
}

satisfied(kind, rule) if {
	kind == "rego"
	answer := input.rego[rule.package]
	answer.deny == false
	answer.requires_human_approval == true
}

satisfied(kind, rule) if {
	kind == "rego"
	answer := input.rego[rule.package]
	answer.deny == false
	answer.requires_human_approval == false
	answer.allow == true
}

satisfied(kind, rule) if {
	kind == "cost"
	is_object(input.params)
	every name in object.keys(rule.per) { countable(name) }
}

# --- what was found in the call ----------------------------------------------------------------------------------

# No hits prove something only when somebody looked.
scanned(detector) if {
	input.dlp.complete == true
	is_array(input.dlp.detectors)
	detector in input.dlp.detectors
	readable_hits
}

readable_hits if {
	is_array(input.dlp.hits)
	every hit in input.dlp.hits { is_string(hit.detector) }
}

harmless(hit, rule) if hit.detector != rule.detector

harmless(hit, _) if hit["in"] in {"headers", "query"}

harmless(hit, rule) if {
	is_string(hit.name)
	hit.name != rule.param
}

other_or_redactable(hit, detector) if hit.detector != detector

other_or_redactable(hit, _) if {
	hit.redactable == true
	every member in [hit["in"], hit.name] { is_string(member) }
}

places(detector) := [{"in": hit["in"], "name": hit.name} |
	some hit in input.dlp.hits
	hit.detector == detector
]

# --- local time --------------------------------------------------------------------------------------------------

within(slot, local) if {
	known_time(local)
	local.day == slot.day
	local.minute >= slot.from
	local.minute < slot.to
}

outside(slot, local) if {
	known_time(local)
	local.day != slot.day
}

outside(slot, local) if {
	known_time(local)
	local.minute < slot.from
}

outside(slot, local) if {
	known_time(local)
	local.minute >= slot.to
}

known_time(local) if {
	is_number(local.day)
	is_number(local.minute)
}

# --- images ------------------------------------------------------------------------------------------------------

# An image reference is `[repository][:tag]@sha256:<hex>`; without a digest nothing matches.
image_matches(image, permitted) if {
	parts := split(image, "@")
	count(parts) == 2
	digest_matches(parts[1], permitted)
	repository_matches(parts[0], permitted)
}

image_matches(image, permitted) if {
	image == permitted.digest
	not permitted.repository
}

digest_matches(digest, permitted) if digest == permitted.digest

digest_matches(digest, permitted) if {
	not permitted.digest
	some algorithm, length in {"sha256:": 64, "sha512:": 128}
	startswith(digest, algorithm)
	count(digest) == count(algorithm) + length
	consists_of(substring(digest, count(algorithm), -1), "0123456789abcdef")
}

repository_matches(_, permitted) if not permitted.repository

repository_matches(name, permitted) if name == permitted.repository

repository_matches(name, permitted) if {
	startswith(name, concat("", [permitted.repository, ":"]))
	is_tag(substring(name, count(permitted.repository) + 1, -1))
}

is_tag(text) if {
	count(text) >= 1
	count(text) <= 128
	consists_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
	not substring(text, 0, 1) in {".", "-"}
}

# Without a pattern, which would be compiled anew in each evaluation.
consists_of(text, letters) if trim_left(text, letters) == ""

# --- the user's Rego ---------------------------------------------------------------------------------------------

asked_by_rego := [{"entry": rule.entry, "mode": rule.mode, "source": rule.package, "excuses": null} |
	some rule in plan.rego
	answer := input.rego[rule.package]
	answer.deny == false
	answer.requires_human_approval == true
]
