import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientUnaryCall,
  credentials as channelCredentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { generate } from "selfsigned";
import { loadProtos } from "../../src/grpc/load_protos.js";
import type { CheckRequest, CheckResponse } from "../../src/grpc/messages.js";
import { type GrpcLog, type GrpcServer, type GrpcServerOptions, startGrpcServer } from "../../src/grpc/server.js";

export const protos = loadProtos();
export const allow: CheckResponse = { status: { code: 0 }, ok_response: {} };

const cleanups: (() => unknown)[] = [];

/** Runs when the test ends, the newest first. */
export function later(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-grpc-"));
  later(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Started {
  server: GrpcServer;
  /** What was logged, as one text per line. */
  logged: string[];
}

/** A server on a free loopback port unless told otherwise, that allows everything unless told otherwise. */
export async function start(options: Partial<GrpcServerOptions> = {}): Promise<Started> {
  const logged: string[] = [];
  const line = (fields: object, message: string): void => {
    const cause = "err" in fields ? String(fields.err) : JSON.stringify(fields);
    logged.push(`${message}: ${cause}`);
  };
  const log: GrpcLog = { info: line, warn: line, error: line };
  const server = await startGrpcServer({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    check: async () => allow,
    log,
    ...options,
  });
  later(() => server.drain(0));
  return { server, logged };
}

export function client(
  server: GrpcServer,
  credentials: ChannelCredentials = channelCredentials.createInsecure(),
  options: ChannelOptions = {},
): Client {
  const made = new Client(server.address, credentials, options);
  later(() => made.close());
  return made;
}

export interface Answer {
  error: ServiceError | null;
  response: object | undefined;
}

/** One Check, never rejecting: `bytes` go out as they are. */
export function checkBytes(
  from: Client,
  bytes: Uint8Array,
  onCall: (call: ClientUnaryCall) => void = () => {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const same = (value: Uint8Array) => Buffer.from(value);
    const call = from.makeUnaryRequest(
      protos.method.path,
      same,
      protos.decodeResponse,
      bytes,
      { deadline: Date.now() + 20_000 },
      (error, response) => resolve({ error, response }),
    );
    onCall(call);
  });
}

export function check(from: Client, request: object, onCall?: (call: ClientUnaryCall) => void): Promise<Answer> {
  return checkBytes(from, protos.encodeRequest(request), onCall);
}

/** A request whose body has this many bytes. */
export function requestOf(bytes: number): object {
  return { attributes: { request: { http: { raw_body: Buffer.alloc(bytes) } } } };
}

export function bodyLength(request: CheckRequest): number | undefined {
  return request.attributes?.request?.http?.raw_body.length;
}

/** Polls until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come true within a minute");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface Pair {
  cert: Buffer;
  key: Buffer;
}

/** A certificate authority, and pairs signed by it for this host. */
export async function certificateAuthority(): Promise<{ ca: Buffer; issue: (name: string) => Promise<Pair> }> {
  const options = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;
  const root = await generate([{ name: "commonName", value: "test CA" }], {
    ...options,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  const issue = async (name: string): Promise<Pair> => {
    const pair = await generate([{ name: "commonName", value: name }], {
      ...options,
      ca: { key: root.private, cert: root.cert },
      extensions: [
        { name: "basicConstraints", cA: false },
        {
          name: "subjectAltName",
          altNames: [
            { type: 7, ip: "127.0.0.1" },
            { type: 2, value: "localhost" },
          ],
        },
      ],
    });
    return { cert: Buffer.from(pair.cert), key: Buffer.from(pair.private) };
  };
  return { ca: Buffer.from(root.cert), issue };
}
