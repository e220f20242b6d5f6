/** What `countersign init` writes, by name. Every file loads as it is. */
export function firstFiles({ adminTokenSha256 }: { adminTokenSha256: string }): Record<string, string> {
  return {
    "countersign.yaml": config,
    "tools.yaml": tools,
    "agents.yaml": agents,
    "people.yaml": people(adminTokenSha256),
    "policies/deploy-manager.yaml": policy,
  };
}

const config = `# Countersign. Every key has a default; paths are relative to this file. See docs/configuration.md.
listen: {grpc: "127.0.0.1:9191", http: "127.0.0.1:9192"}
public_url: "http://127.0.0.1:9192"   # what agents and approvers can reach
store: "memory:"                       # redis://host:6379/0 for more than one process or for limits that outlive it
dry_run: false                         # true records every decision and enforces none
policies: ./policies
tools: ./tools.yaml
agents: ./agents.yaml
people: ./people.yaml
identity:
  issuer: {url: "http://127.0.0.1:9192", key_file: ./var/issuer.jwk, audience: countersign, token_ttl: 15m, max_ttl: 1h}
  # trusted: other issuers, such as your CI system, whose tokens become tokens of agents; see docs/tokens.md
attestation: {key_file: ./var/attestation.jwk}
approvals: {key_file: ./var/approvals.jwk, expires_in: 15m}
audit: {dir: ./var/audit, key_file: ./var/audit.jwk, durability: write}
`;

const tools = `# Which requests are calls of which tool, and where their parameters are. See docs/catalogue.md.
tools:
  - name: deploy-api
    match: {hosts: [deploy.internal], methods: [POST], path: "/v1/{action}"}
    protocol: http
    action: "{path.action}"
    environment: "{body.environment}"
`;

const agents = `# Who may call, and what at most. A token or key is made with \`countersign token\` and \`countersign agent key\`.
agents:
  - id: deploy-manager
    scopes: ["deploy-api:*"]
`;

const policy = `# Staging at will, production only with somebody's approval, and never more than 50 replicas. See docs/policies.md.
agent: deploy-manager
tools: [deploy-api]
actions:
  - name: deploy
    allowed_environments: ["staging"]
    approval_needed: env == "production"
    max_replicas: 50
`;

const people = (sha256: string): string => `# Who may use the HTTP API, and for what: admin, approver, auditor, viewer.
people:
  - id: admin
    access: [admin, approver, auditor, viewer]
    tokens: [{sha256: "${sha256}"}]
`;
