# Users' patterns run here too, in the RE2 of the WebAssembly module, and never in a matcher that can explode.
package countersign

# For each pattern of the input and each text, what it matches, in order, 101 times at most: the engine looks anew for each
# match, so that all of many would take a time that grows with the square of the text.
patterns := [[found(pattern, text) | some text in input.texts] | some pattern in input.patterns]

found(pattern, text) := [groups[0] | some groups in regex.find_all_string_submatch_n(pattern, text, 101)]

# Which texts of the input are patterns at all.
valid_patterns := [regex.is_valid(pattern) | some pattern in input.patterns]

# The server may have found out beforehand what a pattern says of a text (`input.matched[pattern][text]`), with a matcher
# that keeps what it has compiled; it says nothing where it could say anything else than RE2.
matches(pattern, text) := known if {
	known := input.matched[pattern][text]
	is_boolean(known)
} else := regex.match(pattern, text)
