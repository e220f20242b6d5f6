import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come true within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface Pair {
  cert: Buffer;
  key: Buffer;
}

/** A certificate authority, and pairs signed by it, made with the `openssl` program. */
export function certificateAuthority(): { ca: Buffer; issue: (name: string) => Pair } {
  const folder = temporaryFolder();
  const openssl = (...args: string[]): void => {
    try {
      execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    } catch (cause) {
      throw new Error(`the TLS tests need the openssl program: openssl ${args[0]} failed`, { cause });
    }
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem");
  writeFileSync(join(folder, "extensions"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const issue = (name: string): Pair => {
    openssl("req", ...newKey, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, "-days", "2", "-extfile", "extensions"],
      ...["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    );
    return { cert: readFileSync(join(folder, `${name}.pem`)), key: readFileSync(join(folder, `${name}.key`)) };
  };
  return { ca: readFileSync(join(folder, "ca.pem")), issue };
}
