# The one program that judges every call. YAML policies become data (`data.policies[<agent>]`), never Rego, so a reload
# needs no compiler. It gives two views of the same call: `decision`, as if every rule were enforced, and `enforced`,
# with the rules in shadow left out.
package countersign

# Documents are per agent; "*" is for agents without a policy of their own. Guardrails are part of every document.
document := data.policies[input.agent.id]

document := data.policies["*"] if not data.policies[input.agent.id]

decision := {
	"decision": view(findings, demands, sanitizers, redactions),
	"enforced": view(
		enforced_only(findings),
		enforced_only(demands),
		enforced_only(sanitizers),
		enforced_only(redactions),
	),
	"tags": tags,
	"costs": costs,
} if {
	sound
}

enforced_only(items) := [item | some item in items; item.mode == "enforce"]

# Denials win over approvals, approvals over sanitizing. A brought approval stands in for every demand and for every breach
# that people may approve; denials stay. `asked` is what people have to decide upon, so that an approval covers only what
# they saw, and `redeems` says that one was needed, so that it is used up.
view(found, demanded, cleaning, redacting) := {
	"verdict": "deny",
	"reason": denials[0].rule,
	"violations": [facts_of(denial) | some denial in denials],
	"sanitize": [],
	"redact": [],
	"terms": [],
	"asked": [],
	"redeems": false,
} if {
	denials := [finding | some finding in found; not excused(finding, demanded)]
	count(denials) > 0
} else := {
	"verdict": "approval_needed",
	"reason": "approval_needed",
	"violations": asked(found, demanded),
	"sanitize": [],
	"redact": [],
	"terms": terms(found, demanded),
	"asked": asked(found, demanded),
	"redeems": false,
} if {
	count(asked(found, demanded)) > 0
	not brought
} else := {
	"verdict": "sanitize",
	"reason": "sanitized",
	"violations": [],
	"sanitize": [entry.sanitize | some entry in cleaning],
	"redact": [entry.hit | some entry in redacting],
	"terms": terms(found, demanded),
	"asked": asked(found, demanded),
	"redeems": count(asked(found, demanded)) > 0,
} if {
	changes(cleaning, redacting)
} else := {
	"verdict": "allow",
	"reason": "allowed",
	"violations": [],
	"sanitize": [],
	"redact": [],
	"terms": terms(found, demanded),
	"asked": asked(found, demanded),
	"redeems": count(asked(found, demanded)) > 0,
}

# The server names an approval only when the call brought a token for it.
brought if is_string(input.approval.id)

# Where no denial is left, whatever was found is for people to decide.
asked(found, demanded) := array.concat(
	[{"rule": "approval_needed", "limit": demand.source} | some demand in demanded],
	[facts_of(finding) | some finding in found],
)

changes(cleaning, _) if {
	some entry in cleaning
	not idle(entry.sanitize)
}

changes(_, redacting) if count(redacting) > 0

# A breach of a rule whose `on_violation` says so, and a broken `allowed_environments` beside a true `approval_needed` of the
# same action entry. Nothing else.
excused(finding, _) if finding.on_violation == "approval_needed"

excused(finding, demanded) if {
	finding.rule == "allowed_environments"
	some demand in demanded
	demand.excuses == finding.entry
}

# How the entries that ask for an approval want it given.
terms(found, demanded) := [entry.terms |
	some entry in entries
	entry.terms
	asking(entry, found, demanded)
]

asking(entry, found, _) if {
	some finding in found
	finding.entry == entry.entry
}

asking(entry, _, demanded) if {
	some demand in demanded
	demand.entry == entry.entry
}

facts_of(finding) := object.remove(finding, ["mode", "entry", "on_violation"])

# --- findings, in the documented order of rules ------------------------------------------------------------------

findings := array.concat(
	array.concat(array.concat(not_known, denied_by_name), array.concat(not_granted, out_of_reach)),
	array.concat(broken_rules, condition_errors),
)

# A call that names no tool and action could slip past the policies of a tool, so nothing grants it, shadow or not.
nameable if {
	is_string(input.tool)
	is_string(input.action)
}

default default_mode := "enforce"

default_mode := document.mode if nameable

default not_known := []

not_known := [{"rule": "no_policy", "mode": default_mode, "entry": null}] if not known

denied_by_name := [finding |
	some file in files
	named(file.deny_actions)
	finding := standing(file.deny_actions, {"rule": "deny_actions", "actual": input.action, "entry": null})
]

# As it is written, and in any mix of upper and lower case.
named(deny) if input.action in deny.exact

named(deny) if {
	some name in deny.exact
	folded(name) == folded_action
}

named(deny) if {
	some prefix in deny.prefixes
	startswith(input.action, prefix)
}

named(deny) if {
	some prefix in deny.prefixes
	startswith(folded_action, folded(prefix))
}

default not_granted := []

not_granted := [{
	"rule": "action_not_allowed",
	"actual": object.get(input, "action", null),
	"mode": default_mode,
	"entry": null,
}] if {
	known
	not granted
}

out_of_reach := [finding |
	some file in files
	file.egress
	not reachable(file.egress)
	finding := standing(file.egress, {
		"rule": "egress",
		"limit": [permitted.text | some permitted in file.egress.allow],
		"actual": object.get(input, "destination", null),
		"entry": null,
	})
]

reachable(egress) if {
	some permitted in egress.allow
	reaches_host(permitted)
	reaches_port(permitted)
}

reaches_host(permitted) if {
	permitted.wildcard == false
	input.destination.host == permitted.host
}

reaches_host(permitted) if {
	permitted.wildcard == true
	endswith(input.destination.host, concat("", [".", permitted.host]))
}

reaches_port(permitted) if not permitted.port

reaches_port(permitted) if input.destination.port == permitted.port

# A rule is broken unless it is proven satisfied, so whatever is undefined counts against the call. Sorted by kind, then by
# file and action, then as the compiler left the rules.
broken_rules := [sorted[3] |
	some sorted in sort([[ranks[rule.kind], i, j, broken(entry, rule)] |
		some i, entry in entries
		some j, rule in entry.rules
		not satisfied(rule)
	])
]

broken(entry, rule) := object.union(
	standing(rule, {"rule": rule.rule, "kind": rule.kind, "entry": entry.entry}),
	object.union(particulars(rule), otherwise_spelled(rule)),
)

# With what decides whether a finding is acted upon, and whether people may approve it.
standing(rule, finding) := object.union(finding, {"mode": rule.mode}) if not approvable(rule)

standing(rule, finding) := object.union(finding, {"mode": rule.mode, "on_violation": "approval_needed"}) if {
	approvable(rule)
}

# What was found in a header cannot be approved: people are not shown headers, and the approval does not bind them.
approvable(rule) if {
	rule.on_violation == "approval_needed"
	not found_in_headers(rule)
}

found_in_headers(rule) if {
	rule.kind in {"dlp_deny", "dlp_redact"}
	some hit in input.dlp.hits
	hit.detector == rule.detector
	hit["in"] == "headers"
	not redacted_anyway(rule, hit)
}

redacted_anyway(rule, hit) if {
	rule.kind == "dlp_redact"
	hit.redactable == true
}

# --- approvals, sanitizing, tags and costs -----------------------------------------------------------------------

conditioned := [{"entry": entry.entry, "mode": entry.approval.mode, "source": entry.approval.source, "truth": truth} |
	some entry in entries
	entry.approval
	truth := condition_truth(entry.approval.condition)
]

demands := array.concat(
	[object.union(demand, {"excuses": demand.entry}) | some demand in conditioned; demand.truth == "true"],
	asked_by_rego,
)

condition_errors := [{
	"rule": "condition_error",
	"limit": failed.source,
	"mode": failed.mode,
	"entry": failed.entry,
} |
	some failed in conditioned
	failed.truth == "error"
]

sanitizers := [{"sanitize": object.union(entry.sanitize, {"own": entry.own}), "mode": entry.sanitize_mode} |
	some entry in entries
	entry.sanitize
]

# True when the call has nothing that the entry would change.
idle(sanitize) if {
	count(sanitize.headers.set) == 0
	count(sanitize.query.set) == 0
	headers := object.keys(input.http.headers)
	every name in sanitize.headers.remove { not name in headers }
	every name in sanitize.headers.redact { not name in headers }
	parameters := object.keys(input.http.query)
	every name in sanitize.query.remove { not name in parameters }
	every name in sanitize.query.redact { not name in parameters }
}

redactions := [{"hit": hit, "mode": rule.mode} |
	some entry in entries
	some rule in entry.rules
	rule.kind == "dlp_redact"
	some hit in input.dlp.hits
	hit.detector == rule.detector
	hit.redactable == true
]

# What the call shows of the data it carries, shadow or not: the session remembers it.
tags := sort({rule.tag |
	some entry in entries
	some rule in entry.rules
	rule.kind == "dlp_tag"
	some hit in input.dlp.hits
	hit.detector == rule.detector
})

costs := [{"base_micro": rule.base_micro, "per": rule.per, "mode": rule.mode} |
	some entry in entries
	some rule in entry.rules
	rule.kind == "cost"
]
