# The short way to "allowed", which is the answer to most calls. What it asks of every call is laid out once, with the plan;
# a call that passes has no finding, no demand and nothing to change. One that does not pass takes the long way, which
# decides: so this may be narrower than the rules, never wider. `else` stops at the first body that holds, where bodies side
# by side are all tried.
#
# It names no file and rests on nothing but itself and the input, so agents of whom the same is asked share it.
package countersign

# Put before the program by itself, as `data.shortcut`. Undefined where a call has to take the long way.
at_once := "allowed" if passes(data.shortcut)

passes(short) if {
	every values in short.environments { values[input.environment] }
	every digests in short.digests { only_images(digests) }
	right_parameters(short)
	every conjunction in short.conjunctions { decided(conjunction) }
	every condition in short.conditions { condition_truth(condition) == "false" }
	every rule in short.others { satisfied(rule.kind, rule) }
	every egress in short.egress { reachable(egress) }
	untouched(short.cleans)
	unseen_data(short.seeks)
}

only_images(digests) if {
	is_array(input.images)
	count(input.images) > 0
	every image in input.images {
		parts := split(image, "@")
		count(parts) == 2
		digests[parts[1]]
	}
}

# Each parameter is either one that is asked about, by its very name, or spelled as none of them.
right_parameters(short) if {
	short.params == {}
} else if {
	is_object(input.params)
	is_object(short.folded)
	every name, value in input.params { right_parameter(short, name, value) }
	every name in short.required { input.params[name] != null }
}

right_parameter(short, name, value) if {
	every check in short.params[name] { right(check[0], check[1], value) }
} else if {
	not short.params[name]
	not short.folded[folded(name)]
}

right(kind, asked, value) if {
	kind == "max"
	is_number(value)
	value <= asked
} else if {
	kind == "param_type"
	has_type(asked, value)
} else if {
	kind == "param_pattern"
	input.matched[asked][value] == true
} else if {
	kind == "min"
	is_number(value)
	value >= asked
} else if {
	kind == "param_enum"
	not is_array(value)
	value in asked
}

# One literal that is false is enough.
decided(literals) if {
	some literal in literals
	is_false(literal[0], literal[1], literal[2])
}

is_false("like", member, word) if folded(input[member]) != word

is_false("unlike", member, word) if input[member] == word

is_false("above", name, limit) if {
	is_number(input.params[name])
	input.params[name] <= limit
}

untouched(false)

untouched(true) if {
	input.http.headers == {}
	input.http.query == {}
}

# Of none of these detectors may there be a hit, whatever would follow from it.
unseen_data(detectors) if {
	detectors == {}
} else if {
	every hit in input.dlp.hits { not detectors[hit.detector] }
}

# --- what is laid out ------------------------------------------------------------------------------------------

# There is none where something is said of every call, or where two parameters differ by their spelling only.
default shortcut := null

shortcut := {
	"environments": [{value: true | some value in rule.values} |
		some rule in rules_in_order
		rule.kind == "environments"
	],
	"digests": [{image.digest: true | some image in rule.images} |
		some rule in rules_in_order
		by_digest(rule)
	],
	"params": {name: checks_of(name) | some name in short_names},
	"folded": {folded(name): true | some name in short_names},
	"required": [rule.param | some rule in rules_in_order; rule.kind == "param_required"],
	"conjunctions": [literals_of(condition, conjunction) |
		some condition in conditions
		some conjunction in condition.any
		shortened(condition)
	],
	"conditions": [condition | some condition in conditions; not shortened(condition)],
	"others": [object.remove(rule, ["entry"]) |
		some rule in rules_in_order
		not rule.kind in ({"environments", "param_required"} | checked_kinds)
		not by_digest(rule)
	],
	"egress": drawn_up.egress,
	"cleans": count(drawn_up.sanitizers) > 0,
	"seeks": {rule.detector: true | some rule in array.concat(drawn_up.redacting, drawn_up.tagging)},
} if {
	drawn_up.fixed == []
	drawn_up.rego == []
	drawn_up.costs == []
	every entry in drawn_up.sanitizers {
		entry.sanitize.headers.set == {}
		entry.sanitize.query.set == {}
	}
	count({folded(name) | some name in short_names}) == count(short_names)
}

checked_kinds := {"max", "min", "param_type", "param_enum", "param_pattern"}

checks_of(name) := [[rule.kind, asked_of(rule)] |
	some rule in rules_in_order
	rule.kind in checked_kinds
	rule.param == name
]

asked_of(rule) := rule.limit if rule.kind in {"max", "min"}

asked_of(rule) := rule.type if rule.kind == "param_type"

asked_of(rule) := rule.values if rule.kind == "param_enum"

asked_of(rule) := rule.whole if rule.kind == "param_pattern"

by_digest(rule) if {
	rule.kind == "images"
	every image in rule.images { object.keys(image) == {"digest"} }
}

short_names contains rule.param if {
	some rule in rules_in_order
	rule.kind in (checked_kinds | {"param_required"})
}

# The spelling of these is looked after like that of parameters that rules ask about.
short_names contains atom.left.path[1] if {
	some condition in conditions
	some atom in condition.atoms
	is_limit(atom)
}

conditions := [one.condition | some one in drawn_up.approvals]

shortened(condition) if {
	count(condition.any) > 0
	every conjunction in condition.any { count(literals_of(condition, conjunction)) > 0 }
}

literals_of(condition, conjunction) := [short |
	some literal in conjunction
	short := short_literal(condition.atoms[literal.atom], literal.negated)
]

short_literal(atom, negated) := ["unlike", atom.left.path[0], atom.right.value] if {
	is_word(atom)
	[atom.op, negated] in [["==", true], ["!=", false]]
}

short_literal(atom, negated) := ["like", atom.left.path[0], folded(atom.right.value)] if {
	is_word(atom)
	[atom.op, negated] in [["==", false], ["!=", true]]
}

short_literal(atom, false) := ["above", atom.left.path[1], atom.right.value] if is_limit(atom)

is_word(atom) if {
	atom.left.path in [["environment"], ["action"]]
	not atom.left.size
	not atom.right.path
	is_string(atom.right.value)
}

is_limit(atom) if {
	atom.op == ">"
	atom.left.path[0] == "params"
	count(atom.left.path) == 2
	not atom.left.size
	not atom.right.path
	is_number(atom.right.value)
}
