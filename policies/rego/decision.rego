# The one program that judges every call. YAML policies become data (`data.policies[<agent>]`), never Rego, so a reload
# needs no compiler. It gives two views of the same call: `decision`, as if every rule were enforced, and `enforced`,
# with the rules in shadow left out.
package countersign

# The answer in as few words as it takes: most calls pass, and nothing more is to be said of them. Else it is the decision.
answer := "allowed" if {
	findings == []
	demands == []
	redactions == []
	every entry in plan.sanitizers { idle(entry.sanitize) }
	tags == []
	plan.costs == []
} else := decision

decision := {
	"decision": computed,
	"enforced": enforced,
	"tags": tags,
	"costs": plan.costs,
}

computed := view(findings, demands, plan.sanitizers, redactions)

# Where nothing is in shadow both views are the same.
enforced := computed if {
	every items in [findings, demands, plan.sanitizers, redactions] {
		every item in items { item.mode == "enforce" }
	}
} else := view(
	enforced_only(findings),
	enforced_only(demands),
	enforced_only(plan.sanitizers),
	enforced_only(redactions),
)

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
	"terms": wanted(found, demanded),
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
	"terms": wanted(found, demanded),
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
	"terms": wanted(found, demanded),
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
wanted(found, demanded) := [entry.terms |
	some entry in plan.terms
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
	array.concat(plan.fixed, out_of_reach),
	array.concat(broken_rules, condition_errors),
)

out_of_reach := [finding |
	some egress in plan.egress
	not reachable(egress)
	finding := standing(egress, {
		"rule": "egress",
		"limit": [permitted.text | some permitted in egress.allow],
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

# A rule is broken unless it is proven satisfied, so whatever is undefined counts against the call.
broken_rules := [broken(rule) |
	some rule in plan.rules
	not satisfied(rule.kind, rule)
]

broken(rule) := object.union(
	standing(rule, {"rule": rule.rule, "kind": rule.kind, "entry": rule.entry}),
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

conditioned := [{"entry": one.entry, "mode": one.mode, "source": one.source, "truth": truth} |
	some one in plan.approvals
	truth := condition_truth(one.condition)
	truth != "false"
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
	some rule in plan.redacting
	some hit in input.dlp.hits
	hit.detector == rule.detector
	hit.redactable == true
]

# What the call shows of the data it carries, shadow or not: the session remembers it.
tags := sort({rule.tag |
	some rule in plan.tagging
	some hit in input.dlp.hits
	hit.detector == rule.detector
})
