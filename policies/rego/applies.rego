# Which files and actions apply to a call, and which of them grant it.
package countersign

files := [file | some file in document.files; concerns_tool(file)]

concerns_tool(file) if not file.tools

concerns_tool(file) if input.tool in file.tools

# `entry` names one action of one file: approvals excuse only what stands beside them.
entries := [object.union(action, {"entry": [file.file, i], "grants": grants(file, action), "own": own(file)}) |
	some file in files
	some i, action in file.actions
	concerns_action(action)
]

concerns_action(action) if action.name == "*"

# A tool that takes `DELETE` for `delete` must not be a way around what the policies ask of `delete`.
concerns_action(action) if folded(action.name) == folded_action

folded_action := folded(input.action)

# True for the agent's own files, false for those that only restrict.
default own(_) := false

own(file) if file.guardrail == false

# But only the name as it is written is granted.
default grants(_, _) := false

grants(file, action) if {
	file.grants == true
	action.name in {"*", input.action}
}

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
