# What is said of a breach: what the rule permits, and what the call asked for.
package countersign

particulars(rule) := {"limit": rule.values, "actual": object.get(input, "environment", null)} if {
	rule.kind == "environments"
} else := {"actual": object.get(input, "images", null)} if {
	rule.kind == "images"
} else := {"param": rule.param, "limit": rule.limit, "actual": parameter(rule.param)} if {
	rule.kind in {"max", "min"}
} else := {"param": rule.param} if {
	rule.kind == "param_required"
} else := {"param": rule.param, "limit": rule.type, "actual": parameter(rule.param)} if {
	rule.kind == "param_type"
} else := {"param": rule.param, "limit": rule.pattern, "actual": parameter(rule.param)} if {
	rule.kind == "param_pattern"
} else := {"param": rule.param, "limit": rule.values, "actual": parameter(rule.param)} if {
	rule.kind == "param_enum"
} else := {"param": rule.param, "limit": rule.detector} if {
	rule.kind == "param_forbid"
} else := {"limit": rule.names, "actual": unlisted(rule.names)} if {
	rule.kind == "additional"
} else := {
	"limit": {"time_zone": rule.zone, window_sides[rule.kind]: rule.slots},
	"actual": object.get(input, ["time", "zones", rule.zone], null),
} if {
	rule.kind in {"window_allow", "window_deny"}
} else := session_particulars(rule) if {
	rule.kind in session_kinds
} else := {"limit": rule.detector, "actual": places(rule.detector)} if {
	rule.kind in {"dlp_deny", "dlp_redact", "dlp_tag"}
} else := {"limit": rule.package, "actual": object.get(input, ["rego", rule.package], null)} if {
	rule.kind == "rego"
} else := {"limit": rule.per} if {
	rule.kind == "cost"
} else := {}

# Sorted, since a set has no order that every engine keeps.
unlisted(names) := sort([name | some name in names_of_params; not name in names])

window_sides := {"window_allow": "allow", "window_deny": "deny"}

parameter(name) := object.get(input, ["params", name], null)

default names_of_params := set()

names_of_params := object.keys(input.params)
