import type { OutcomeRecord } from "../audit/record.js";
import type { AccessLogCommon, Duration, HttpAccessLogEntry } from "../grpc/access_log_messages.js";
import type { Address, Struct } from "../grpc/messages.js";
import { printable } from "../printable.js";
import { letsThrough, type Verdict, verdicts } from "../verdict.js";
import { flagsOf, type ShortFlag } from "./flags.js";

/** How one call ended, as an entry of Envoy's access log tells it. */
export interface Ending
  extends Pick<
    OutcomeRecord,
    "decision_id" | "request_id" | "outcome" | "status" | "flags" | "duration_us" | "upstream"
  > {
  /** What the answer to Envoy said of the call; all that is known of it where another process gave that answer. */
  told: Pick<OutcomeRecord, "agent_id" | "tool" | "action">;
}

/** Where Envoy keeps what our answers say. No header of a call can reach it. */
const namespace = "envoy.filters.http.ext_authz";

/** As the ids of decisions are made: ULIDs. */
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** As Envoy makes ids of requests. Where it keeps those of its clients, nothing else of theirs gets into a record. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of names, in characters. */
const longest = 256;

/**
 * Reads one entry. `null`: the call was not let through, nobody was asked about it, or it has not ended yet. `malformed`: it
 * names no decision of ours, or contradicts itself.
 */
export function endingOf({
  common_properties: common,
  request,
  response,
}: HttpAccessLogEntry): Ending | "malformed" | null {
  if (!common || !isLast(common) || common.response_flags?.unauthorized_details) return null;
  const told = answerIn(common);
  if (!told || !isPassing(told)) return null;
  const id = textOf(told, "decision_id");
  if (id === null || !ulid.test(id)) return "malformed";
  const code = response?.response_code?.value ?? 0;
  // Without a byte of the upstream's the status is Envoy's own.
  const status = common.time_to_first_upstream_rx_byte !== null && code !== 0 ? code : null;
  if (status !== null && (status < 100 || status > 599)) return "malformed";
  const flags = flagsOf(common.response_flags);
  return {
    decision_id: id,
    request_id: uuid.test(request?.request_id ?? "") ? (request?.request_id ?? null) : null,
    outcome: outcomeOf(status, flags),
    status,
    flags,
    duration_us: microsOf(common.time_to_last_downstream_tx_byte ?? common.duration),
    upstream: hostPortOf(common.upstream_remote_address),
    told: { agent_id: textOf(told, "agent_id"), tool: textOf(told, "tool"), action: textOf(told, "action") },
  };
}

/** An older Envoy names no type, and makes one entry. */
function isLast({ intermediate_log_entry: isIntermediate, access_log_type: type }: AccessLogCommon): boolean {
  return !isIntermediate && (type === "DownstreamEnd" || type === "NotSet");
}

/** What our answer said, when we were asked. */
function answerIn({ metadata }: AccessLogCommon): Struct | null {
  const filters = metadata?.filter_metadata ?? {};
  return Object.hasOwn(filters, namespace) ? (filters[namespace] ?? null) : null;
}

function isPassing(told: Struct): boolean {
  const enforced = textOf(told, "enforced");
  return verdicts.includes(enforced as Verdict) && letsThrough(enforced as Verdict);
}

/** A member that is text, in a form that is fit to be shown. */
function textOf({ fields }: Struct, name: string): string | null {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return value && "stringValue" in value && value.stringValue !== "" ? printable(value.stringValue, longest) : null;
}

/** Flags with which an answer that had begun never came to its end. That its reader went away is not the upstream's failure. */
const brokenOff: ReadonlySet<string> = new Set([
  "UC",
  "UR",
  "UPE",
  "UT",
  "UMSDR",
  "LR",
  "SI",
  "DT",
  "OM",
] satisfies ShortFlag[]);

function outcomeOf(status: number | null, flags: readonly string[]): OutcomeRecord["outcome"] {
  if (status === null) return "unreached";
  return status < 400 && !flags.some((flag) => brokenOff.has(flag)) ? "succeeded" : "failed";
}

function microsOf(duration: Duration | null): number | null {
  if (!duration) return null;
  const micros = Number(duration.seconds) * 1_000_000 + Math.round(duration.nanos / 1_000);
  return Number.isSafeInteger(micros) && micros >= 0 ? micros : null;
}

function hostPortOf(address: Address | null): string | null {
  const { socket_address: socket, pipe } = address ?? {};
  if (pipe) return printable(pipe.path, longest);
  if (!socket?.address) return null;
  const host = socket.address.includes(":") ? `[${socket.address}]` : socket.address;
  return printable(`${host}:${socket.port_value ?? socket.named_port}`, longest);
}
