# What rules ask of parameters, whatever the spelling of their names.
package countersign

# A parameter that is not there breaks none of these.
parameter_kinds := {"max", "min", "param_type", "param_pattern", "param_enum"}

value_satisfies(rule, value) if {
	rule.kind == "max"
	is_number(value)
	value <= rule.limit
}

value_satisfies(rule, value) if {
	rule.kind == "min"
	is_number(value)
	value >= rule.limit
}

value_satisfies(rule, value) if {
	rule.kind == "param_type"
	has_type(rule.type, value)
}

value_satisfies(rule, value) if {
	rule.kind == "param_pattern"
	every member in members_of(value) {
		is_string(member)
		matches(rule.whole, member)
	}
}

value_satisfies(rule, value) if {
	rule.kind == "param_enum"
	every member in members_of(value) { member in rule.values }
}

# Of a list, each member counts.
members_of(value) := value if is_array(value)

members_of(value) := [value] if not is_array(value)

has_type("string", value) if is_string(value)

has_type("number", value) if is_number(value)

has_type("integer", value) if {
	is_number(value)
	floor(value) == value
}

has_type("boolean", value) if is_boolean(value)

has_type("list", value) if is_array(value)

has_type("map", value) if is_object(value)

absent(folded_name) if {
	is_object(input.params)
	not spelled_as[folded_name]
}

# A tool that does not tell `Amount` from `amount` must not be a way around a rule.
only_spelling(folded_name, name) if spelled_as[folded_name] == {name}

# The parameters of the call by their names without regard to case.
spelled_as[folded(key)] contains key if some key in object.keys(input.params)

# Upper case first, since some letters, like the long s, only meet their kin there.
folded(name) := lower(upper(name))

default otherwise_spelled(_) := {}

otherwise_spelled(rule) := {"spelled": others} if {
	others := sort([key | some key in spelled_as[folded(rule.param)]; key != rule.param])
	count(others) > 0
}

countable(name) if absent(folded(name))

countable(name) if {
	only_spelling(folded(name), name)
	is_number(input.params[name])
	input.params[name] >= 0
}
