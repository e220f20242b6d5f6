# The one program that judges every call. YAML policies become data (`data.policies[<agent>]`), never Rego, so a reload
# needs no compiler. It gives two views of the same call: `decision`, as if every rule were enforced, and `enforced`,
# with the rules in shadow left out.
package countersign

# Documents are per agent; "*" is for agents without a policy of their own. Guardrails are part of every document.
document := data.policies[input.agent.id]

document := data.policies["*"] if not data.policies[input.agent.id]

decision := {
	"decision": view(findings, demands, sanitizers),
	"enforced": view(enforced_only(findings), enforced_only(demands), enforced_only(sanitizers)),
} if {
	sound
}

enforced_only(items) := [item | some item in items; item.mode == "enforce"]

# Denials win over approvals, approvals over sanitizing. A brought approval stands in for every demand (`redeems` says that
# one was needed, so that it is used up); denials stay.
view(found, demanded, cleaning) := {
	"verdict": "deny",
	"reason": denials[0].rule,
	"violations": [facts_of(denial) | some denial in denials],
	"sanitize": [],
	"redeems": false,
} if {
	denials := [finding | some finding in found; not excused(finding, demanded)]
	count(denials) > 0
} else := {
	"verdict": "approval_needed",
	"reason": "approval_needed",
	"violations": array.concat(
		[{"rule": "approval_needed", "limit": demand.source} | some demand in demanded],
		[facts_of(finding) | some finding in found],
	),
	"sanitize": [],
	"redeems": false,
} if {
	count(demanded) > 0
	not input.approval
} else := {
	"verdict": "sanitize",
	"reason": "sanitized",
	"violations": [],
	"sanitize": [entry.sanitize | some entry in cleaning],
	"redeems": count(demanded) > 0,
} if {
	some entry in cleaning
	not idle(entry.sanitize)
} else := {
	"verdict": "allow",
	"reason": "allowed",
	"violations": [],
	"sanitize": [],
	"redeems": count(demanded) > 0,
}

# A true `approval_needed` turns a broken `allowed_environments` of the same action entry into a demand, nothing else.
excused(finding, demanded) if {
	finding.rule == "allowed_environments"
	some demand in demanded
	demand.entry == finding.entry
}

facts_of(finding) := object.remove(finding, ["mode", "entry"])

# --- what applies to this call -----------------------------------------------------------------------------------

files := [file | some file in document.files; concerns_tool(file)]

concerns_tool(file) if not file.tools

concerns_tool(file) if input.tool in file.tools

# `entry` names one action of one file: approvals excuse only what stands beside them.
entries := [object.union(action, {"entry": [file.file, i], "grants": file.grants}) |
	some file in files
	some i, action in file.actions
	concerns_action(action)
]

concerns_action(action) if action.name == "*"

concerns_action(action) if action.name == input.action

# A call that no tool matches, let on by `unmatched: passthrough`: nothing has to grant it, and what applies to every
# action of every tool applies to it too.
known if input.unmatched == true

known if {
	some file in document.files
	file.grants
}

granted if input.unmatched == true

granted if {
	nameable
	some entry in entries
	entry.grants
}

# --- findings, in the documented order of rules ------------------------------------------------------------------

findings := array.concat(
	array.concat(array.concat(not_known, denied_by_name), not_granted),
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

denied_by_name := [{
	"rule": "deny_actions",
	"actual": input.action,
	"mode": file.deny_actions.mode,
	"entry": null,
} |
	some file in files
	named(file.deny_actions)
]

# Denied names are lower case: a tool that takes `DELETE` for `delete` must not be a way around them.
named(deny) if lower(input.action) in deny.exact

named(deny) if {
	some prefix in deny.prefixes
	startswith(lower(input.action), prefix)
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

# Within a kind: files by name, rules as the compiler sorted them.
kinds := ["environments", "images", "max", "min"]

# A rule is broken unless it is proven satisfied, so whatever is undefined counts against the call.
broken_rules := [finding(entry, rule) |
	some kind in kinds
	some entry in entries
	some rule in entry.rules
	rule.kind == kind
	not satisfied(rule)
]

finding(entry, rule) := object.union(
	{"rule": rule.rule, "mode": rule.mode, "entry": entry.entry},
	particulars(rule),
)

particulars(rule) := {"limit": rule.values, "actual": object.get(input, "environment", null)} if {
	rule.kind == "environments"
} else := {"actual": object.get(input, "images", null)} if {
	rule.kind == "images"
} else := {
	"param": rule.param,
	"limit": rule.limit,
	"actual": object.get(input, ["params", rule.param], null),
} if {
	rule.kind in {"max", "min"}
} else := {}

satisfied(rule) if {
	rule.kind == "environments"
	input.environment in rule.values
}

satisfied(rule) if {
	rule.kind == "images"
	is_array(input.images)
	count(input.images) > 0
	every image in input.images {
		some permitted in rule.images
		image_matches(image, permitted)
	}
}

satisfied(rule) if {
	rule.kind in {"max", "min"}
	is_object(input.params)
	not mentions(input.params, rule.param)
}

# A tool that does not tell `Amount` from `amount` must not be a way around a limit either.
mentions(params, name) if {
	some key in object.keys(params)
	lower(key) == lower(name)
}

satisfied(rule) if {
	rule.kind == "max"
	is_number(input.params[rule.param])
	input.params[rule.param] <= rule.limit
}

satisfied(rule) if {
	rule.kind == "min"
	is_number(input.params[rule.param])
	input.params[rule.param] >= rule.limit
}

# An image reference is `[repository][:tag]@sha256:<hex>`; without an exact digest nothing matches.
image_matches(image, permitted) if {
	parts := split(image, "@")
	count(parts) == 2
	parts[1] == permitted.digest
	repository_matches(parts[0], permitted)
}

image_matches(image, permitted) if {
	image == permitted.digest
	not permitted.repository
}

repository_matches(_, permitted) if not permitted.repository

repository_matches(name, permitted) if name == permitted.repository

repository_matches(name, permitted) if {
	startswith(name, concat("", [permitted.repository, ":"]))
	not contains(substring(name, count(permitted.repository) + 1, -1), "/")
}

# --- approvals and sanitizing ------------------------------------------------------------------------------------

conditioned := [{"entry": entry.entry, "mode": entry.approval.mode, "source": entry.approval.source, "truth": truth} |
	some entry in entries
	entry.approval
	truth := condition_truth(entry.approval.condition)
]

demands := [demand | some demand in conditioned; demand.truth == "true"]

condition_errors := [{
	"rule": "condition_error",
	"limit": failed.source,
	"mode": failed.mode,
	"entry": failed.entry,
} |
	some failed in conditioned
	failed.truth == "error"
]

sanitizers := [{"sanitize": entry.sanitize, "mode": entry.sanitize_mode} |
	some entry in entries
	entry.sanitize
]

# True when the call has nothing that the entry would change.
idle(sanitize) if {
	count(sanitize.headers.set) == 0
	count(sanitize.query.set) == 0
	headers := object.keys(input.http.headers)
	every name in sanitize.headers.remove { not name in headers }
	parameters := object.keys(input.http.query)
	every name in sanitize.query.remove { not name in parameters }
}
