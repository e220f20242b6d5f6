import { createServer } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { loadPackageDefinition, Server, ServerCredentials, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { repository } from "./programs.js";

/** One span as it arrived, with ids in hex. */
export interface CollectedSpan {
  name: string;
  service: unknown;
  traceId: string;
  spanId: string;
  /** Empty for the first of its trace. */
  parentSpanId: string;
  kind: number;
  attributes: Record<string, unknown>;
  status: number;
}

/** A collector that takes OTLP as the protocol says, and keeps what it was sent. */
export interface Collector {
  url: string;
  port: number;
  spans: CollectedSpan[];
  /** Headers of each request. */
  headers: Record<string, unknown>[];
  /** What it answers from now on: 200 takes, other statuses (of HTTP or of gRPC) refuse, "silence" never answers. */
  answer: number | "silence";
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: as it came over the wire, in one of two spellings
type Wire = any;

/** Starts one on a free port, or on the port of one that was stopped. */
export async function startCollector(protocol: "http" | "grpc", port = 0): Promise<Collector> {
  return protocol === "http" ? overHttp(port) : overGrpc(port);
}

async function overHttp(wanted: number): Promise<Collector> {
  const made: Collector = { url: "", port: 0, spans: [], headers: [], answer: 200, stop };
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    made.headers.push({ ...request.headers, path: `${request.method} ${request.url}` });
    if (made.answer === "silence") return;
    if (made.answer === 200) made.spans.push(...spansOf(requestOf(Buffer.concat(chunks))));
    response.writeHead(made.answer, { "content-type": "application/x-protobuf" }).end();
  });
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the collector has no port");
  made.port = address.port;
  made.url = `http://127.0.0.1:${address.port}`;
  return made;

  async function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  }
}

const definition = loadSync(join(repository, "test/harness/otlp.proto"), { longs: Number });
const exportMethod = "opentelemetry.proto.collector.trace.v1.TraceService";

function requestOf(body: Buffer): Wire {
  return (definition[exportMethod] as Wire).Export.requestDeserialize(body);
}

async function overGrpc(wanted: number): Promise<Collector> {
  const server = new Server();
  const made: Collector = {
    url: "",
    port: 0,
    spans: [],
    headers: [],
    answer: 200,
    stop: async () => server.forceShutdown(),
  };
  const root = loadPackageDefinition(definition) as Wire;
  const { service } = root.opentelemetry.proto.collector.trace.v1.TraceService as ServiceClientConstructor;
  server.addService(service, {
    Export(call: Wire, done: (error: object | null, value?: object) => void) {
      made.headers.push(call.metadata.getMap());
      if (made.answer === "silence") return;
      if (made.answer !== 200) return done({ code: made.answer, details: "refused" });
      made.spans.push(...spansOf(call.request));
      done(null, {});
    },
  });
  made.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${wanted}`, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  made.url = `http://127.0.0.1:${made.port}`;
  return made;
}

function spansOf(request: Wire): CollectedSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }: Wire) =>
    scopeSpans.flatMap(({ spans }: Wire) =>
      spans.map((span: Wire) => ({
        name: span.name,
        service: valuesOf(resource.attributes)["service.name"],
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        kind: span.kind,
        attributes: valuesOf(span.attributes),
        status: span.status?.code ?? 0,
      })),
    ),
  );
}

function hex(id: string | Buffer | undefined): string {
  return Buffer.isBuffer(id) ? id.toString("hex") : (id ?? "");
}

function valuesOf(attributes: Wire[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, boolValue, doubleValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  );
}
