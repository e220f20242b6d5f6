import { Metadata } from "@grpc/grpc-js";
import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import {
  type IExporterMetricsHelper,
  type ISerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { isPrivate } from "../config/fetchable.js";
import { isExposed } from "../files/exposed.js";
import { readWithMode } from "../files/read_with_mode.js";
import type { SpanBatch, SpanExporter } from "./span_batch.js";

/** Where spans go. */
export interface Collector {
  /** Base URL; `https` is TLS, `http` plain text, for both protocols. */
  url: string;
  protocol: "http" | "grpc";
  /** File with headers for the collector, one `name: value` on each line. */
  headers_file?: string | undefined;
}

/** Longest time one batch may take, repeats included, and so what a dead collector can add to a stop. */
export const exportTimeoutMs = 2_000;

/** An exporter of OTLP over HTTP (binary protobuf, to `v1/traces` below the URL) or gRPC. Throws an `Error` for the operator. */
export async function openExporter({ url, protocol, headers_file: file }: Collector): Promise<SpanExporter> {
  const headers = file === undefined ? {} : await readHeaders(file);
  if (file !== undefined && !isPrivate(url)) {
    throw new Error(`telemetry.otlp: ${url} is plain text, and the headers are secret: write an https:// URL`);
  }
  const timeoutMillis = exportTimeoutMs;
  if (protocol === "http") return overHttp({ url: traces(url), headers, timeoutMillis });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return overGrpc({ url, metadata, timeoutMillis });
}

type Response = ReturnType<typeof ProtobufTraceSerializer.deserializeResponse>;

const serializer: ISerializer<SpanBatch, Response> = {
  serializeRequest: (batch) => batch.request(),
  deserializeResponse: ProtobufTraceSerializer.deserializeResponse,
};

const counting: IExporterMetricsHelper<SpanBatch> = { name: "span", countItems: ({ count }) => count };

/** The exporters of the SDK, with a serializer of our own. */
function overHttp(config: { url: string; headers: Record<string, string>; timeoutMillis: number }): SpanExporter {
  const type = { "Content-Type": "application/x-protobuf" };
  const options = convertLegacyHttpOptions(config, "TRACES", "v1/traces", type);
  const name = "otlp_http_span_exporter";
  return new OTLPExporterBase(createOtlpHttpExportDelegate(options, serializer, name, counting, undefined));
}

async function overGrpc(config: { url: string; metadata: Metadata; timeoutMillis: number }): Promise<SpanExporter> {
  // Only who asks for it pays for loading it.
  const grpc = await import("@opentelemetry/otlp-grpc-exporter-base");
  const options = grpc.convertLegacyOtlpGrpcOptions(config, "TRACES");
  const [name, path] = ["TraceExportService", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"];
  const component = "otlp_grpc_span_exporter";
  return new OTLPExporterBase(
    grpc.createOtlpGrpcExportDelegate(options, serializer, component, counting, undefined, name, path),
  );
}

function traces(base: string): string {
  return new URL("v1/traces", base.endsWith("/") ? base : `${base}/`).href;
}

/** A field name (RFC 9110), and a value of visible characters and spaces. gRPC takes `-bin` names as bytes. */
const headerLine = /^([a-z0-9!#$%&'*+.^_`|~-]+): *([!-~](?:[ -~]*[!-~])?)$/i;

async function readHeaders(path: string): Promise<Record<string, string>> {
  const { text, mode } = await readWithMode(path).catch(() => {
    throw new Error(`${path}: cannot be read`);
  });
  if (isExposed(mode)) {
    throw new Error(`${path}: other users of the machine can read these headers; chmod it to 0600 or 0640`);
  }
  const headers: Record<string, string> = {};
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const [, name = "", value = ""] = headerLine.exec(line.trim()) ?? [];
    const key = name.toLowerCase();
    if (key === "" || key.endsWith("-bin")) throw new Error(`${path}:${i + 1}: write one header as name: value`);
    if (Object.hasOwn(headers, key)) throw new Error(`${path}:${i + 1}: the header ${key} is there twice`);
    headers[key] = value;
  }
  if (Object.keys(headers).length === 0) throw new Error(`${path}: holds no header; write one as name: value`);
  return headers;
}
