# The policies of policyOf in bench/harness/workload.ts, as a user of opa-envoy-plugin would write them: one rule, look-ups by
# key, cheap conditions first, no reasons for a denial.
package agent.authz

default allow := false

allow if {
	input.attributes.request.http.method == "POST"
	input.attributes.request.http.host == "deploy.internal"
	["v1", action] = input.parsed_path
	rule := data.agents[input.attributes.request.http.headers["x-agent-id"]].actions[action]
	call := input.parsed_body
	call.environment in rule.allowed_environments
	not call.environment in rule.approval_needed
	[_, digest] = split(call.image, "@")
	digest in rule.allowed_images
	is_number(call.replicas)
	call.replicas <= rule.max_replicas
	regex.match(rule.params.service.pattern, call.service)
}
