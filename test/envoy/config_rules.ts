/**
 * What a shipped Envoy configuration must hold, as named rules over the parsed YAML. Each gives what it found wrong, or
 * nothing. They ask for explicit values, since a default that changes with Envoy's version is not a decision of ours.
 */
export type Tree = { [key: string]: unknown };
export type Rule = (config: Tree) => string[];

const types = "type.googleapis.com/envoy.extensions.";
const authzType = `${types}filters.http.ext_authz.v3.ExtAuthz`;
const grpcLogType = `${types}access_loggers.grpc.v3.HttpGrpcAccessLogConfig`;
const managerType = `${types}filters.network.http_connection_manager.v3.HttpConnectionManager`;

export const rules = {
  every_listener_asks: (config) =>
    managers(config).flatMap((manager) => {
      const filters = list(at(manager, "http_filters"));
      const isAuthz = (filter: unknown): boolean => at(filter, "typed_config", "@type") === authzType;
      if (!filters.some(isAuthz)) return ["a listener without ext_authz"];
      const last = filters.slice(filters.findIndex(isAuthz) + 1);
      const harmless = last.length === 1 && String(at(last[0], "typed_config", "@type")).endsWith(".router.v3.Router");
      return harmless ? [] : ["something between ext_authz and the router can change what was judged"];
    }),
  fails_closed: onAuthz((authz) => [
    ...must(authz, ["failure_mode_allow"], false),
    ...must(authz, ["status_on_error", "code"], "ServiceUnavailable"),
    ...mustNot(authz, "failure_mode_allow_header_add"),
  ]),
  asks_about_every_request: (config) => [
    ...onAuthz((authz) =>
      ["filter_enabled", "filter_enabled_metadata", "shadow_mode"].flatMap((key) => mustNot(authz, key)),
    )(config),
    ...managers(config).flatMap((manager) =>
      list(at(manager, "http_filters")).flatMap((filter) =>
        ["disabled", "is_optional"].flatMap((key) => mustNot(filter, key)),
      ),
    ),
  ],
  no_route_opts_out: (config) => (has(config, "typed_per_filter_config") ? ["a route overrides a filter"] : []),
  every_header_is_asked_about: onAuthz((authz) => [
    ...mustNot(authz, "allowed_headers"),
    ...mustNot(authz, "disallowed_headers"),
    ...must(authz, ["encode_raw_headers"], true),
  ]),
  whole_body_as_bytes: onAuthz((authz) => [
    ...must(authz, ["with_request_body", "allow_partial_message"], false),
    ...must(authz, ["with_request_body", "pack_as_bytes"], true),
    ...(Number(at(authz, "with_request_body", "max_request_bytes")) > 0 ? [] : ["max_request_bytes is not set"]),
  ]),
  answers_apply_exactly: onAuthz((authz) => [
    ...must(authz, ["validate_mutations"], true),
    ...must(authz, ["decoder_header_mutation_rules", "disallow_system"], true),
    ...must(authz, ["decoder_header_mutation_rules", "disallow_is_error"], true),
    ...must(authz, ["clear_route_cache"], false),
    ...mustNot(authz, "clear_route_cache_headers"),
  ]),
  grpc_v3_with_timeout: onAuthz((authz) => {
    const timeout = seconds(at(authz, "grpc_service", "timeout"));
    return [
      ...must(authz, ["transport_api_version"], "V3"),
      // Above two waits for the store (250 ms each); Envoy's default of 200 ms is not.
      ...(timeout > 0.5 && timeout <= 10 ? [] : ["the timeout of the question is not between 0.5 s and 10 s"]),
    ];
  }),
  catch_all_route: (config) =>
    managers(config).flatMap((manager) => {
      const hosts = list(at(manager, "route_config", "virtual_hosts"));
      const any = hosts.filter((host) => list(at(host, "domains")).includes("*"));
      const open = hosts.filter((host) => at(list(at(host, "routes")).at(-1), "match", "prefix") !== "/");
      return [
        ...(any.length === 1 ? [] : ["no virtual host takes the names that no other takes"]),
        ...open.map((host) => `the last route of ${String(at(host, "name"))} does not take every path`),
      ];
    }),
  one_reading_of_the_path: onManager((manager) => [
    ...must(manager, ["normalize_path"], true),
    ...must(manager, ["merge_slashes"], false),
    ...must(manager, ["path_with_escaped_slashes_action"], "REJECT_REQUEST"),
  ]),
  no_underscores: onManager((manager) =>
    must(manager, ["common_http_protocol_options", "headers_with_underscores_action"], "REJECT_REQUEST"),
  ),
  strict_messages: onManager((manager) => [
    ...must(manager, ["http_protocol_options", "accept_http_10"], false),
    ...must(manager, ["http_protocol_options", "allow_chunked_length"], false),
    ...must(manager, ["http_protocol_options", "allow_absolute_url"], false),
    ...must(manager, ["http_protocol_options", "enable_trailers"], false),
    ...must(manager, ["http_protocol_options", "override_stream_error_on_invalid_http_message"], false),
  ]),
  no_upgrade_no_connect: (config) => [
    ...onManager((manager) => must(manager, ["http2_protocol_options", "allow_connect"], false))(config),
    ...["upgrade_configs", "connect_matcher", "connect_config"].flatMap((key) =>
      has(config, key) ? [`${key} is set`] : [],
    ),
  ],
  nobody_is_internal: onManager((manager) => {
    const ranges = list(at(manager, "internal_address_config", "cidr_ranges"));
    const nobody = ranges.length === 1 && at(ranges[0], "address_prefix") === "255.255.255.255";
    return [
      ...must(manager, ["use_remote_address"], true),
      ...must(manager, ["internal_address_config", "unix_sockets"], false),
      ...must(manager, ["preserve_external_request_id"], false),
      ...must(manager, ["forward_client_cert_details"], "SANITIZE"),
      ...(nobody ? [] : ["internal_address_config: an address that a caller can have counts as internal"]),
    ];
  }),
  own_headers_stripped: onManager((manager) => {
    const early = list(at(manager, "early_header_mutation_extensions"));
    const mutations = early.flatMap((extension) => list(at(extension, "typed_config", "mutations")));
    const removed = mutations.map((mutation) => at(mutation, "remove"));
    const prefixes = mutations.map((mutation) => at(mutation, "remove_on_match", "key_matcher", "prefix"));
    const own = ["decision", "decision-id", "policy-version"].map((name) => `x-countersign-${name}`);
    return [
      ...own.filter((name) => !removed.includes(name)).map((name) => `${name} of a client stays`),
      ...(prefixes.includes("x-envoy-") ? [] : ["x-envoy-* of a client stays"]),
      ...(removed.includes("x-countersign-override") ? ["the authorizer never sees x-countersign-override"] : []),
    ];
  }),
  override_ends_here: (config) =>
    routes(config)
      .filter((route) => at(route, "route") !== undefined)
      .filter((route) => !list(at(route, "request_headers_to_remove")).includes("x-countersign-override"))
      .map(() => "a tool receives x-countersign-override"),
  bounded_time: (config) => [
    ...onManager((manager) =>
      [
        ["request_timeout"],
        ["request_headers_timeout"],
        ["stream_idle_timeout"],
        ["common_http_protocol_options", "idle_timeout"],
      ]
        .filter((path) => !(seconds(at(manager, ...path)) > 0))
        .map((path) => `${path.join(".")} is not set`),
    )(config),
    ...routes(config)
      .filter((route) => at(route, "route") !== undefined && !(seconds(at(route, "route", "timeout")) > 0))
      .map(() => "a route without timeout"),
  ],
  bounded_size: (config) => [
    ...onManager((manager) =>
      [
        ["max_request_headers_kb"],
        ["common_http_protocol_options", "max_headers_count"],
        ["http2_protocol_options", "max_concurrent_streams"],
      ]
        .filter((path) => !(Number(at(manager, ...path)) > 0))
        .map((path) => `${path.join(".")} is not set`),
    )(config),
    ...list(at(config, "static_resources", "listeners"))
      .filter((listener) => !(Number(at(listener, "per_connection_buffer_limit_bytes")) > 0))
      .map(() => "per_connection_buffer_limit_bytes is not set"),
    ...(at(config, "overload_manager") === undefined ? ["no overload manager"] : []),
  ],
  no_retries: (config) => [
    ...(has(config, "retry_policy") ? ["a retry policy"] : []),
    ...clusters(config)
      .filter((cluster) => at(list(at(cluster, "circuit_breakers", "thresholds"))[0], "max_retries") !== 0)
      .map((cluster) => `${String(at(cluster, "name"))} permits retries`),
  ],
  authorizer_is_watched: (config) => {
    const authorizer = clusters(config).find((cluster) => at(cluster, "name") === "countersign");
    if (authorizer === undefined) return ["no cluster countersign"];
    const checks = list(at(authorizer, "health_checks"));
    return [
      ...(checks.length === 1 && at(checks[0], "grpc_health_check") !== undefined ? [] : ["no gRPC health check"]),
      ...must(authorizer, ["common_lb_config", "healthy_panic_threshold", "value"], 0),
    ];
  },
  admin_out_of_reach: (config) => {
    const paths = list(at(config, "admin", "allow_paths")).flatMap((path) => [at(path, "exact"), at(path, "prefix")]);
    const strange = paths.filter((path) => path !== undefined && !watching.has(String(path)));
    return [
      ...(at(config, "admin", "address", "pipe", "path") === undefined
        ? ["the admin interface is not a Unix socket"]
        : []),
      ...(paths.length === 0 ? ["every admin path is served"] : strange.map((path) => `admin path ${String(path)}`)),
    ];
  },
  settings_are_fixed: (config) => {
    const layers = list(at(config, "layered_runtime", "layers"));
    const fixed = layers.length > 0 && layers.every((layer) => at(layer, "static_layer") !== undefined);
    return fixed && !has(config, "runtime_key") ? [] : ["a runtime layer can change while Envoy runs"];
  },
  outcomes_are_told: onManager((manager) => {
    const isGrpc = (log: unknown): boolean => at(log, "typed_config", "@type") === grpcLogType;
    const logs = list(at(manager, "access_log")).filter(isGrpc);
    if (logs.length !== 1) return [`${logs.length} gRPC access loggers`];
    const common = at(logs[0], "typed_config", "common_config");
    const told = list(at(logs[0], "filter", "metadata_filter", "matcher", "value", "or_match", "value_matchers")).map(
      (matcher) => at(matcher, "string_match", "exact"),
    );
    const interval = seconds(at(common, "buffer_flush_interval"));
    const settings = Object.keys(at(logs[0], "typed_config") as Tree);
    return [
      ...must(common, ["grpc_service", "envoy_grpc", "cluster_name"], "countersign"),
      ...(interval > 0 && interval <= 2 ? [] : ["outcomes wait in Envoy for more than 2 s"]),
      ...["allow", "sanitize"]
        .filter((verdict) => !told.includes(verdict))
        .map((verdict) => `nobody hears of ${verdict}`),
      ...settings.filter((key) => key.startsWith("additional_")).map((key) => `${key} is set`),
    ];
  }),
  log_without_secrets: onManager((manager) => {
    const log = list(at(manager, "access_log"))[0];
    const fields = JSON.stringify(at(log, "typed_config", "log_format", "json_format") ?? {});
    const wanted = ["decision", "decision_id", "agent_id", "tool", "action", "policy_version", "reason"];
    const leaks = ["%REQ(:PATH)", "%REQ(AUTHORIZATION", "%REQ(X-API-KEY", "%REQ(COOKIE", "%REQ(X-COUNTERSIGN-OVERRIDE"];
    return [
      ...wanted.filter((key) => !fields.includes(`%DYNAMIC_METADATA(envoy.filters.http.ext_authz:${key})%`)),
      ...leaks.filter((leak) => fields.toUpperCase().includes(leak)),
    ].map((what) => `access log: ${what}`);
  }),
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

/** What each rule found wrong; rules that hold are absent. */
export function check(config: Tree): Partial<Record<RuleName, string[]>> {
  const found: Partial<Record<RuleName, string[]>> = {};
  for (const [name, rule] of Object.entries(rules)) {
    const problems = rule(config);
    if (problems.length > 0) found[name as RuleName] = problems;
  }
  return found;
}

const watching = new Set(["/ready", "/server_info", "/stats", "/clusters", "/listeners"]);

function onManager(rule: (manager: unknown) => string[]): Rule {
  return (config) => {
    const all = managers(config);
    return all.length === 0 ? ["no HTTP connection manager"] : all.flatMap(rule);
  };
}

function onAuthz(rule: (authz: unknown) => string[]): Rule {
  return (config) => {
    const configs = managers(config).flatMap((manager) => list(at(manager, "http_filters")));
    // One that is missing is the business of `every_listener_asks`.
    const typed = configs.map((filter) => at(filter, "typed_config"));
    return typed.filter((authz) => at(authz, "@type") === authzType).flatMap(rule);
  };
}

function managers(config: Tree): unknown[] {
  const chains = list(at(config, "static_resources", "listeners")).flatMap((listener) =>
    list(at(listener, "filter_chains")),
  );
  const configs = chains.flatMap((chain) => list(at(chain, "filters"))).map((filter) => at(filter, "typed_config"));
  return configs.filter((typed) => at(typed, "@type") === managerType);
}

function routes(config: Tree): unknown[] {
  const hosts = managers(config).flatMap((manager) => list(at(manager, "route_config", "virtual_hosts")));
  return hosts.flatMap((host) => list(at(host, "routes")));
}

function clusters(config: Tree): unknown[] {
  return list(at(config, "static_resources", "clusters"));
}

function must(node: unknown, path: string[], wanted: unknown): string[] {
  const value = at(node, ...path);
  return value === wanted ? [] : [`${path.join(".")} is ${String(value)} and must be ${String(wanted)}`];
}

function mustNot(node: unknown, key: string): string[] {
  return at(node, key) === undefined ? [] : [`${key} is set`];
}

/** The value at a path, `undefined` where a step is missing. */
function at(node: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    node,
  );
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True when the key stands anywhere in the tree. */
function has(node: unknown, key: string): boolean {
  if (Array.isArray(node)) return node.some((item) => has(item, key));
  return isTree(node) && (Object.hasOwn(node, key) || Object.values(node).some((value) => has(value, key)));
}

function seconds(value: unknown): number {
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)s$/.exec(value) : null;
  return match ? Number(match[1]) : Number.NaN;
}
