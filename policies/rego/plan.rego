# What a document says of one tool and action, laid out so that a call has little left to ask. It rests on nothing else of
# the call (`tool`, `action`, `unmatched`), so the server asks for it once and puts it before the program as
# `data.policies["(prepared)"]`, in place of the document. Without that it is made anew for each call: the answers are the same.
package countersign

# Documents are per agent; "*" is for agents without a policy of their own. Guardrails are part of every document.
document := data.policies[input.agent.id]

document := data.policies["*"] if not data.policies[input.agent.id]

plan := given if {
	given := data.policies["(prepared)"]
} else := drawn_up

# What the server asks for: the plan, which it puts under a name that no agent has, and the shortcut.
prepared := {"plan": drawn_up, "shortcut": shortcut}

drawn_up := {
	"fixed": array.concat(not_known, array.concat(denied_by_name, not_granted)),
	"egress": [file.egress | some file in files],
	"rules": rules_in_order,
	"approvals": [object.union(entry.approval, {"entry": entry.entry}) | some entry in entries],
	"terms": [{"entry": entry.entry, "terms": entry.terms} | some entry in entries],
	"sanitizers": [{"sanitize": object.union(entry.sanitize, {"own": entry.own}), "mode": entry.sanitize_mode} |
		some entry in entries
	],
	"redacting": rules_of("dlp_redact"),
	"tagging": rules_of("dlp_tag"),
	"rego": [object.union(rule, {"entry": entry.entry}) |
		some entry in entries
		some rule in entry.rules
		rule.kind == "rego"
	],
	"costs": [{"base_micro": rule.base_micro, "per": rule.per, "mode": rule.mode} | some rule in rules_of("cost")],
} if {
	sound
}

# Sorted by kind, then by file and action, then as the compiler left the rules.
rules_in_order := [sorted[3] |
	some sorted in sort([[ranks[rule.kind], i, j, made_ready(entry, rule)] |
		some i, entry in entries
		some j, rule in entry.rules
	])
]

rules_of(kind) := [rule |
	some entry in entries
	some rule in entry.rules
	rule.kind == kind
]

# With all that can be found out about a rule before there is a call.
made_ready(entry, rule) := object.union_n([rule, {"entry": entry.entry}, with_folded(rule), with_whole(rule)])

with_folded(rule) := {"folded": folded(rule.param)} if {
	rule.param
} else := {}

# The whole value, whatever flags the pattern sets.
with_whole(rule) := {"whole": concat("", [`\A(?:`, rule.pattern, `)\z`])} if {
	rule.pattern
} else := {}

# --- what is said of a call by its tool and action alone ---------------------------------------------------------

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
