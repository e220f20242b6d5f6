# Why a decision is what it is: every rule that applies to the call with whether it holds, and every condition with the
# value of each of its parts. For `countersign policy explain`; no decision reads it.
package countersign

explanation := {
	"files": [explained_file(file) | some file in files],
	"entries": [explained(entry) | some entry in entries],
} if {
	sound
}

explained_file(file) := {"file": file.file, "denied": denied_by(file), "reachable": reachable_by(file)}

denied_by(file) if named(file.deny_actions)

else := false

reachable_by(file) if reachable(file.egress)

else := false

explained(entry) := {
	"file": entry.entry[0],
	"index": entry.entry[1],
	"name": entry.name,
	"grants": entry.grants,
	"rules": [judged(made_ready(entry, rule)) | some rule in entry.rules],
	"conditions": [explained_condition(entry.approval) | entry.approval],
}

judged(rule) := object.union_n([
	{
		"rule": rule.rule,
		"kind": rule.kind,
		"mode": rule.mode,
		"on_violation": object.get(rule, "on_violation", "deny"),
		"satisfied": holds_for(rule),
	},
	particulars(rule),
	{"when": explained_when(rule.when) | rule.when},
])

holds_for(rule) if satisfied(rule.kind, rule)

else := false

explained_condition(approval) := object.union(explained_when(approval), {"mode": approval.mode})

explained_when(written) := {
	"source": written.source,
	"truth": condition_truth(written.condition),
	"atoms": [explained_atom(atom) | some atom in written.condition.atoms],
}

# A side that has no value for this call is left out of `values`.
explained_atom(atom) := {
	"atom": atom,
	"value": atom_value(atom),
	"values": {name: operand(atom[name]) | some name in ["left", "right"]},
}
