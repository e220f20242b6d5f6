# The same rules where a denial says which of them are broken, as Countersign's answers do: every rule is looked at, and what is
# missing breaks it.
package agent.authz

http := input.attributes.request.http

action := name if ["v1", name] = input.parsed_path

rule := data.agents[http.headers["x-agent-id"]].actions[action]

call := input.parsed_body

decision := {"allowed": true} if {
	known
	count(broken) == 0
} else := {"allowed": false, "http_status": 403, "body": json.marshal({"violations": broken})}

known if {
	http.method == "POST"
	http.host == "deploy.internal"
	rule
}

broken contains "action_not_allowed" if not known

broken contains "allowed_environments" if not environment_allowed

environment_allowed if call.environment in rule.allowed_environments

broken contains "approval_needed" if call.environment in rule.approval_needed

broken contains "allowed_images" if not image_allowed

image_allowed if {
	[_, digest] = split(call.image, "@")
	digest in rule.allowed_images
}

broken contains "max_replicas" if not within_replicas

within_replicas if {
	is_number(call.replicas)
	call.replicas <= rule.max_replicas
}

broken contains "params" if not service_named

service_named if regex.match(rule.params.service.pattern, call.service)
