import type { ResponseFlag, ResponseFlags } from "../grpc/access_log_messages.js";

/** Envoy's short names of its response flags (access log documentation, `%RESPONSE_FLAGS%`), in the order of the protocol. */
export const shortFlags = {
  failed_local_healthcheck: "LH",
  no_healthy_upstream: "UH",
  upstream_request_timeout: "UT",
  local_reset: "LR",
  upstream_remote_reset: "UR",
  upstream_connection_failure: "UF",
  upstream_connection_termination: "UC",
  upstream_overflow: "UO",
  no_route_found: "NR",
  delay_injected: "DI",
  fault_injected: "FI",
  rate_limited: "RL",
  rate_limit_service_error: "RLSE",
  downstream_connection_termination: "DC",
  upstream_retry_limit_exceeded: "URX",
  stream_idle_timeout: "SI",
  invalid_envoy_request_headers: "IH",
  downstream_protocol_error: "DPE",
  upstream_max_stream_duration_reached: "UMSDR",
  response_from_cache_filter: "RFCF",
  no_filter_config_found: "NFCF",
  duration_timeout: "DT",
  upstream_protocol_error: "UPE",
  no_cluster_found: "NC",
  overload_manager: "OM",
  dns_resolution_failure: "DF",
  downstream_remote_reset: "DR",
} as const satisfies Record<ResponseFlag, string>;

export type ShortFlag = (typeof shortFlags)[ResponseFlag];

/** The flags of one request by their short names. */
export function flagsOf(flags: ResponseFlags | null): string[] {
  if (!flags) return [];
  return Object.entries(shortFlags).flatMap(([name, short]) => (flags[name as ResponseFlag] ? [short] : []));
}
