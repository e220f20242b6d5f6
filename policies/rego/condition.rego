# CEL conditions, flattened by the compiler into a disjunction of conjunctions over `atoms`. CEL's `&&` and `||` absorb
# errors (a false operand decides `&&`, a true one `||`), which is Kleene's three-valued logic, so the flattened form
# has the same value as the written one. A value is true, false or "error".
package countersign

condition_truth(condition) := truth_of(condition, atom_values(condition))

truth_of(condition, values) := "true" if {
	some conjunction in condition.any
	every literal in conjunction { literal_value(values, literal) == true }
} else := "false" if {
	count(condition.any) > 0
	every conjunction in condition.any {
		some literal in conjunction
		literal_value(values, literal) == false
	}
} else := "error"

atom_values(condition) := [atom_value(atom) | some atom in condition.atoms]

atom_value(atom) := value if {
	value := holds(atom)
} else := "error"

literal_value(values, literal) := value if {
	literal.negated == false
	value := values[literal.atom]
} else := false if {
	literal.negated == true
	values[literal.atom] == true
} else if {
	literal.negated == true
	values[literal.atom] == false
} else := "error"

# Undefined = the atom has no value for this call: a missing field or a wrong type.
holds(atom) := value if {
	atom.op == "is"
	value := operand(atom.left)
	is_boolean(value)
}

holds(atom) := value if {
	atom.op == "has"
	is_string(atom.field)
	parent := at(atom.left.path)
	is_object(parent)
	unmistaken(atom.left.path, parent, atom.field)
	value := atom.field in object.keys(parent)
}

holds(atom) := value if {
	not atom.op in {"is", "has"}
	left := operand(atom.left)
	right := operand(atom.right)
	plain_key(atom, left, right)
	plain_word(atom.left, right)
	plain_word(atom.right, left)
	value := compare(atom.op, left, right)
}

# `Force` is no way around `"force" in params`.
plain_key(atom, _, _) if not atom.op == "in"

plain_key(atom, _, right) if {
	atom.op == "in"
	not is_object(right)
}

plain_key(atom, left, right) if {
	atom.op == "in"
	is_object(right)
	is_string(left)
	unmistaken(object.get(atom.right, "path", ["constant"]), right, left)
}

plain_key(atom, left, right) if {
	atom.op == "in"
	is_object(right)
	not is_string(left)
}

# `DELETE` is no way around `action == "delete"`, nor `Production` around a condition on the environment.
plain_word(side, _) if not object.get(side, "path", []) in [["action"], ["environment"]]

plain_word(side, other) if {
	side.path in [["action"], ["environment"]]
	every one in words_of(other) { same_or_other(one, at(side.path)) }
}

words_of(other) := [one | some one in other; is_string(one)] if is_array(other)

words_of(other) := [other] if is_string(other)

words_of(other) := [] if not type_name(other) in {"string", "array"}

operand(side) := side.value if not side.path

operand(side) := at(side.path) if {
	side.path
	not side.size
}

operand(side) := count(value) if {
	side.size
	value := at(side.path)
	type_name(value) in {"string", "array", "object"}
}

compare("==", left, right) := left == right

compare("!=", left, right) := left != right

compare("<", left, right) := left < right if ordered(left, right)

compare("<=", left, right) := left <= right if ordered(left, right)

compare(">", left, right) := left > right if ordered(left, right)

compare(">=", left, right) := left >= right if ordered(left, right)

compare("in", left, right) := left in right if is_array(right)

# Keys are texts, so a number or a bool is none of them; null, lists and maps cannot be keys (cel-spec, `in`).
compare("in", left, right) := left in object.keys(right) if {
	is_object(right)
	type_name(left) in {"string", "number", "boolean"}
}

compare("matches", left, right) := matches(right, left) if both_strings(left, right)

compare("startsWith", left, right) := startswith(left, right) if both_strings(left, right)

compare("endsWith", left, right) := endswith(left, right) if both_strings(left, right)

compare("contains", left, right) := contains(left, right) if both_strings(left, right)

both_strings(left, right) if {
	is_string(left)
	is_string(right)
}

ordered(left, right) if {
	type_name(left) == type_name(right)
	type_name(left) in {"number", "string", "boolean"}
}

at(path) := raw(path) if path[0] != "params"

# `Replicas` is no way around a condition on `replicas`: where a parameter has another spelling too, there is no value.
at(path) := value if {
	path[0] == "params"
	value := raw(path)
	every i, name in path { unmistaken_step(path, i, name) }
}

unmistaken_step(_, 0, _)

unmistaken_step(path, i, name) if {
	i > 0
	unmistaken(path, raw(array.slice(path, 0, i)), name)
}

unmistaken(path, _, _) if path[0] != "params"

unmistaken(path, parent, name) if {
	path[0] == "params"
	every key in object.keys(parent) { same_or_other(key, name) }
}

same_or_other(key, name) if key == name

same_or_other(key, name) if folded(key) != folded(name)

# Rego has no recursion, so each depth is written out. The compiler refuses deeper paths.
raw(path) := input[path[0]] if count(path) == 1

raw(path) := input[path[0]][path[1]] if count(path) == 2

raw(path) := input[path[0]][path[1]][path[2]] if count(path) == 3

raw(path) := input[path[0]][path[1]][path[2]][path[3]] if count(path) == 4

raw(path) := input[path[0]][path[1]][path[2]][path[3]][path[4]] if count(path) == 5

raw(path) := input[path[0]][path[1]][path[2]][path[3]][path[4]][path[5]] if count(path) == 6
