import type { EnvoyConfig, HttpConnectionManager } from "../../test/harness/envoy.js";
import { connectionManager } from "../../test/harness/envoy.js";
import { audience, issuerUrl } from "../harness/workload.js";

type Filter = HttpConnectionManager["http_filters"][number];
type Cluster = EnvoyConfig["static_resources"]["clusters"][number];

const types = "type.googleapis.com/envoy.extensions.filters.http";

/** Neither access log: who writes one writes it in front of every authorizer alike. */
export function withoutAccessLogs(config: EnvoyConfig): void {
  connectionManager(config).access_log = [];
}

/** As shipped, with outcomes told to Countersign, and no access log to standard output. */
export function withOutcomesOnly(config: EnvoyConfig): void {
  const manager = connectionManager(config);
  const logs = manager.access_log as { name: string }[];
  manager.access_log = logs.filter(({ name }) => name === "envoy.access_loggers.http_grpc");
}

/** No authorizer at all. */
export function alone(config: EnvoyConfig): void {
  withoutAccessLogs(config);
  const manager = connectionManager(config);
  manager.http_filters = manager.http_filters.filter(({ name }) => name !== "envoy.filters.http.ext_authz");
  const { clusters } = config.static_resources;
  config.static_resources.clusters = clusters.filter(({ name }) => name !== "countersign");
}

/** The shipped settings for an authorizer that answers no health checks. */
export function withoutHealthChecks(config: EnvoyConfig): void {
  withoutAccessLogs(config);
  delete clusterOf(config, "countersign").health_checks;
}

/** The tool: every request ends here with a short answer. */
export function tool(config: EnvoyConfig): void {
  alone(config);
  for (const host of connectionManager(config).route_config.virtual_hosts) {
    host.domains = host.name === "tool" ? ["*"] : ["nobody.internal"];
    host.routes = [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "{}" } } }];
  }
}

/** What users put together without Countersign: tokens by Envoy itself, policies by opa-envoy-plugin, limits by ratelimit. */
export interface Assembled {
  /** The public key of tokens, as a JWK. */
  issuer: object;
  /** Port of ratelimit's gRPC on loopback. */
  ratelimitPort: number;
  /** True to remember tokens that were verified. */
  tokenCache: boolean;
}

/** The shipped settings with the cluster `countersign` leading to opa-envoy-plugin, between jwt_authn and ratelimit. */
export function assembled({ issuer, ratelimitPort, tokenCache }: Assembled): (config: EnvoyConfig) => void {
  return (config) => {
    withoutHealthChecks(config);
    const { clusters } = config.static_resources;
    const limiter = structuredClone(clusterOf(config, "countersign"));
    limiter.name = "ratelimit";
    const address = { socket_address: { address: "127.0.0.1", port_value: ratelimitPort } };
    limiter.load_assignment = {
      cluster_name: "ratelimit",
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    } as Cluster["load_assignment"];
    clusters.push(limiter);

    const manager = connectionManager(config);
    const [authorizer, ...others] = manager.http_filters;
    if (authorizer?.name !== "envoy.filters.http.ext_authz") throw new Error("the first filter is no authorizer");
    const { with_request_body: body } = authorizer.typed_config;
    // The plugin reads `headers` and a body of text, which is what its documentation shows.
    authorizer.typed_config.encode_raw_headers = false;
    authorizer.typed_config.with_request_body = { ...(body as object), pack_as_bytes: false };
    manager.http_filters = [jwtAuthn(issuer, tokenCache), authorizer, rateLimit(), ...others];
    for (const { routes } of manager.route_config.virtual_hosts) {
      for (const { route } of routes) {
        if (route) Object.assign(route, { rate_limits: [{ actions: [byAgent] }] });
      }
    }
  };
}

const byAgent = { request_headers: { header_name: "x-agent-id", descriptor_key: "agent" } };

function jwtAuthn(issuer: object, tokenCache: boolean): Filter {
  const provider = {
    issuer: issuerUrl,
    audiences: [audience],
    local_jwks: { inline_string: JSON.stringify({ keys: [issuer] }) },
    claim_to_headers: [{ header_name: "x-agent-id", claim_name: "sub" }],
    ...(tokenCache && { jwt_cache_config: { jwt_cache_size: 1_000 } }),
  };
  const rules = [{ match: { prefix: "/" }, requires: { provider_name: "bench" } }];
  const type = { "@type": `${types}.jwt_authn.v3.JwtAuthentication` };
  return { name: "envoy.filters.http.jwt_authn", typed_config: { ...type, providers: { bench: provider }, rules } };
}

function rateLimit(): Filter {
  const service = { transport_api_version: "V3", grpc_service: { envoy_grpc: { cluster_name: "ratelimit" } } };
  const type = { "@type": `${types}.ratelimit.v3.RateLimit` };
  const settings = { domain: "bench", failure_mode_deny: true, timeout: "2s", rate_limit_service: service };
  return { name: "envoy.filters.http.ratelimit", typed_config: { ...type, ...settings } };
}

function clusterOf(config: EnvoyConfig, wanted: string): Cluster {
  const cluster = config.static_resources.clusters.find(({ name }) => name === wanted);
  if (!cluster) throw new Error(`the configuration has no cluster ${wanted}`);
  return cluster;
}
