import type { Address, Metadata } from "./messages.js";

/** The messages of Envoy's access log, decoded in the form that `messages.ts` tells of. */

/** google.protobuf.Duration: seconds as decimal text, and nanoseconds. */
export interface Duration {
  seconds: string;
  nanos: number;
}

/** Members of envoy.data.accesslog.v3.ResponseFlags that are either there or not. */
export type ResponseFlag =
  | "failed_local_healthcheck"
  | "no_healthy_upstream"
  | "upstream_request_timeout"
  | "local_reset"
  | "upstream_remote_reset"
  | "upstream_connection_failure"
  | "upstream_connection_termination"
  | "upstream_overflow"
  | "no_route_found"
  | "delay_injected"
  | "fault_injected"
  | "rate_limited"
  | "rate_limit_service_error"
  | "downstream_connection_termination"
  | "upstream_retry_limit_exceeded"
  | "stream_idle_timeout"
  | "invalid_envoy_request_headers"
  | "downstream_protocol_error"
  | "upstream_max_stream_duration_reached"
  | "response_from_cache_filter"
  | "no_filter_config_found"
  | "duration_timeout"
  | "upstream_protocol_error"
  | "no_cluster_found"
  | "overload_manager"
  | "dns_resolution_failure"
  | "downstream_remote_reset";

/** `unauthorized_details`: an external authorizer refused the request, or could not be asked. */
export type ResponseFlags = Record<ResponseFlag, boolean> & { unauthorized_details: { reason: string } | null };

export interface AccessLogCommon {
  /** From the first byte of the request; `null` = the upstream never answered. */
  time_to_first_upstream_rx_byte: Duration | null;
  time_to_last_downstream_tx_byte: Duration | null;
  upstream_remote_address: Address | null;
  response_flags: ResponseFlags | null;
  metadata: Metadata | null;
  duration: Duration | null;
  /** The request is still under way. */
  intermediate_log_entry: boolean;
  /** Name of an AccessLogType, or the number of one that this program does not know. */
  access_log_type: string | number;
}

/** envoy.data.accesslog.v3.HTTPAccessLogEntry */
export interface HttpAccessLogEntry {
  common_properties: AccessLogCommon | null;
  request: { request_id: string } | null;
  response: { response_code: { value: number } | null; response_code_details: string } | null;
}
