import type { Client, ClientWritableStream } from "@grpc/grpc-js";
import type { HttpAccessLogEntry } from "../../src/grpc/access_log_messages.js";
import { protos } from "./harness.js";
import { readVectors } from "./vectors.js";

/** Messages that another implementation encoded, by their names. */
export function accessLogVectors(): Map<string, Buffer> {
  const { cases } = readVectors<{ cases: { name: string; bytes: string }[] }>("access_log.json");
  return new Map(cases.map(({ name, bytes }) => [name, Buffer.from(bytes, "base64")]));
}

export interface LogStream {
  call: ClientWritableStream<Buffer>;
  /** `ended` when the server said that it has read all, else the name of the error. */
  over: Promise<string>;
}

/** A stream as Envoy opens it, to which messages are written as bytes. */
export function openStream(from: Client): LogStream {
  let call: ClientWritableStream<Buffer> | undefined;
  const over = new Promise<string>((resolve) => {
    const same = (bytes: Buffer): Buffer => bytes;
    call = from.makeClientStreamRequest<Buffer, Buffer>(protos.accessLog.method.path, same, same, (error) =>
      resolve(error ? error.message : "ended"),
    );
  });
  if (!call) throw new Error("no stream was opened");
  return { call, over };
}

/** A StreamAccessLogsMessage with these entries, each as its bytes. */
export function messageOf(entries: readonly Uint8Array[]): Buffer {
  return field(2, Buffer.concat(entries.map((entry) => field(1, entry))));
}

/** One length-delimited field. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), bytes]);
}

/** What the shipped access logger says of a call that was let through and answered with 200; `common` and the rest over it. */
export function entryOf(
  decisionId: string,
  { common = {}, ...more }: { common?: object; request?: object; response?: object } = {},
  told: Record<string, string> = { enforced: "allow" },
): HttpAccessLogEntry {
  const texts = Object.entries({ decision_id: decisionId, ...told }).map(([name, stringValue]) => [
    name,
    { stringValue },
  ]);
  const metadata = { filter_metadata: { "envoy.filters.http.ext_authz": { fields: Object.fromEntries(texts) } } };
  const entry = {
    common_properties: {
      metadata,
      access_log_type: "DownstreamEnd",
      time_to_first_upstream_rx_byte: { seconds: 0, nanos: 3_000_000 },
      time_to_last_downstream_tx_byte: { seconds: 1, nanos: 2_345_678 },
      upstream_remote_address: { socket_address: { address: "127.0.0.1", port_value: 8080 } },
      ...common,
    },
    request: { request_id: "d4c2b7a0-0d5e-9a31-8f0c-1d7a5b6c7d8e" },
    response: { response_code: { value: 200 }, response_code_details: "via_upstream" },
    ...more,
  };
  return protos.accessLog.decodeEntry(protos.accessLog.encodeEntry(entry));
}
