import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { connectionManager, type EnvoyConfig } from "../harness/envoy.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository, run } from "../harness/programs.js";
import { check, type RuleName, rules, type Tree } from "./config_rules.js";

const folder = join(repository, "envoy");
const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
const texts = new Map(
  await Promise.all(files.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
);
const envoy = await requirePart("Envoy", findEnvoy);

test("there is a configuration to check", () => {
  expect(files).toContain("reverse-proxy.yaml");
});

test.each(files)("%s keeps every rule", (name) => {
  expect(check(parse(texts.get(name) ?? "") as Tree)).toEqual({});
});

test("with several workers nothing differs but the cluster that asks them", () => {
  const without = (name: string) => {
    const config = parse(texts.get(name) ?? "") as EnvoyConfig;
    const { clusters, ...rest } = config.static_resources;
    const others = clusters.filter((cluster) => cluster.name !== "countersign");
    return { ...config, static_resources: { ...rest, clusters: others } };
  };
  expect(without("reverse-proxy-workers.yaml")).toEqual(without("reverse-proxy.yaml"));
});

/** One change to the text of the shipped file for each thing a rule must notice: what to find, and what to put there. */
const bad: [RuleName, string | RegExp, string][] = [
  [
    "every_listener_asks",
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    "envoy.extensions.filters.http.lua.v3.Lua",
  ],
  [
    "every_listener_asks",
    "- name: envoy.filters.http.router",
    "- {name: lua}\n                  - name: envoy.filters.http.router",
  ],
  ["fails_closed", "failure_mode_allow: false", "failure_mode_allow: true"],
  ["fails_closed", "status_on_error: {code: ServiceUnavailable}", "status_on_error: {code: OK}"],
  ["asks_about_every_request", "stat_prefix: countersign", "filter_enabled: {default_value: {numerator: 99}}"],
  ["asks_about_every_request", "stat_prefix: countersign", "shadow_mode: true"],
  [
    "asks_about_every_request",
    "- name: envoy.filters.http.ext_authz",
    "- name: envoy.filters.http.ext_authz\n                    disabled: true",
  ],
  [
    "no_route_opts_out",
    "direct_response: {status: 404}",
    "typed_per_filter_config: {envoy.filters.http.ext_authz: {}}",
  ],
  ["every_header_is_asked_about", "stat_prefix: countersign", "allowed_headers: {patterns: [{exact: a}]}"],
  ["every_header_is_asked_about", "encode_raw_headers: true", "encode_raw_headers: false"],
  ["whole_body_as_bytes", "allow_partial_message: false", "allow_partial_message: true"],
  ["whole_body_as_bytes", "pack_as_bytes: true", "pack_as_bytes: false"],
  ["whole_body_as_bytes", /with_request_body: \{.*\}/, "x: {}"],
  ["answers_apply_exactly", "validate_mutations: true", "validate_mutations: false"],
  ["answers_apply_exactly", "disallow_is_error: true", "disallow_is_error: false"],
  ["answers_apply_exactly", "clear_route_cache: false", "clear_route_cache: true"],
  ["grpc_v3_with_timeout", "timeout: 2s", "timeout: 0.2s"],
  ["grpc_v3_with_timeout", "                        timeout: 2s\n", ""],
  ["grpc_v3_with_timeout", /(prefix: countersign\s+transport_api_version:) V3/, "$1 V2"],
  ["catch_all_route", 'domains: ["*"]', "domains: [other.internal]"],
  ["catch_all_route", "- match: {prefix: /}", "- match: {prefix: /v1/}"],
  ["one_reading_of_the_path", "normalize_path: true", "normalize_path: false"],
  ["one_reading_of_the_path", "action: REJECT_REQUEST", "action: UNESCAPE_AND_FORWARD"],
  ["one_reading_of_the_path", "merge_slashes: false", "merge_slashes: true"],
  ["no_underscores", "headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW"],
  ["strict_messages", "allow_chunked_length: false", "allow_chunked_length: true"],
  ["strict_messages", "accept_http_10: false", "accept_http_10: true"],
  ["no_upgrade_no_connect", "codec_type: AUTO", "upgrade_configs: [{upgrade_type: websocket}]"],
  ["no_upgrade_no_connect", "allow_connect: false", "allow_connect: true"],
  ["nobody_is_internal", "use_remote_address: true", "use_remote_address: false"],
  ["nobody_is_internal", /cidr_ranges: \[.*\]/, "cidr_ranges: []"],
  ["nobody_is_internal", "address_prefix: 255.255.255.255", "address_prefix: 127.0.0.1"],
  ["own_headers_stripped", "- remove: x-countersign-decision-id\n", "- remove: x-other\n"],
  ["own_headers_stripped", "{prefix: x-envoy-}", "{prefix: x-envoi-}"],
  ["own_headers_stripped", "- remove: x-original-url", "- remove: x-countersign-override"],
  ["override_ends_here", "request_headers_to_remove: [x-countersign-override]", "request_headers_to_remove: [x-other]"],
  ["bounded_time", "request_timeout: 30s", "request_timeout: 0s"],
  ["bounded_time", "stream_idle_timeout: 120s", ""],
  ["bounded_time", /( {28})timeout: 30s/, "$1timeout: 0s"],
  ["bounded_size", "max_request_headers_kb: 32", ""],
  ["bounded_size", "per_connection_buffer_limit_bytes: 1048576", ""],
  [
    "no_retries",
    "                            cluster: tool",
    "                            retry_policy: {retry_on: 5xx}\n                            cluster: tool",
  ],
  ["no_retries", "max_retries: 0", "max_retries: 3"],
  ["authorizer_is_watched", "grpc_health_check: {}", "tcp_health_check: {}"],
  ["authorizer_is_watched", "healthy_panic_threshold: {value: 0},", "healthy_panic_threshold: {value: 50},"],
  ["admin_out_of_reach", /pipe: \{.*\}/, "socket_address: {address: 127.0.0.1, port_value: 9901}"],
  ["admin_out_of_reach", "{exact: /ready}", "{exact: /quitquitquit}"],
  ["settings_are_fixed", "static_layer: {}", "admin_layer: {}"],
  ["outcomes_are_told", "v3.HttpGrpcAccessLogConfig", "v3.TcpGrpcAccessLogConfig"],
  ["outcomes_are_told", /(grpc_service: \{envoy_grpc: \{cluster_name:) countersign/, "$1 tool"],
  ["outcomes_are_told", "buffer_flush_interval: 1s", "buffer_flush_interval: 60s"],
  ["outcomes_are_told", "                        buffer_flush_interval: 1s\n", ""],
  ["outcomes_are_told", "{string_match: {exact: sanitize}}", ""],
  [
    "outcomes_are_told",
    "buffer_size_bytes: 16384",
    "buffer_size_bytes: 16384\n                      additional_request_headers_to_log: [authorization]",
  ],
  ["log_without_secrets", "%PATH(NQ:ORIG_OR_PATH)%", "%REQ(:PATH)%"],
  ["log_without_secrets", "ext_authz:decision_id)", "ext_authz:decision)"],
];

test.each(bad)("%s notices a bad file: %s -> %s", (rule, find, put) => {
  const text = texts.get("reverse-proxy.yaml") ?? "";
  const changed = text.replace(find, put);
  expect(changed === text).toBe(false);
  expect(Object.keys(check(parse(changed, { uniqueKeys: false }) as Tree))).toEqual([rule]);
});

test("every rule is proven by a bad file", () => {
  expect(new Set(bad.map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)));
});

test("docs/envoy.md shows the shipped filter, cluster and access logger", async () => {
  const text = await readFile(join(repository, "docs", "envoy.md"), "utf8");
  const [filter, cluster] = [...text.matchAll(/```yaml\n(.*?)```/gs)].map((match) => parse(match[1] ?? ""));
  const config: EnvoyConfig = parse(texts.get("reverse-proxy.yaml") ?? "");
  expect(filter).toEqual(connectionManager(config).http_filters[0]);
  expect(cluster).toEqual(config.static_resources.clusters[0]);
  const [logger] = [...text.matchAll(/```yaml\n(name: envoy.access_loggers.http_grpc\n.*?)```/gs)].map((match) =>
    parse(match[1] ?? ""),
  );
  expect(logger).toEqual((connectionManager(config).access_log as unknown[])[1]);
});

describeWith(envoy, "the real Envoy", (use) => {
  test.each(files)("takes %s without a complaint", async (name) => {
    const said = await run(use(), ["--mode", "validate", "-l", "warning", "-c", join(folder, name)]);
    expect(said.trim()).toBe(`configuration '${join(folder, name)}' OK`);
  });
});
