import { chmod } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";
import { type handleUnaryCall, Metadata, Server, status } from "@grpc/grpc-js";
import { inStep, turnEnds } from "../lockstep.js";
import { AccessLog, type AccessLogReader } from "./access_log.js";
import { Health } from "./health.js";
import { type Listen, type Listener, prepareListener, type Transport } from "./listen.js";
import { loadProtos, type Protos } from "./load_protos.js";
import type { CheckRequest, CheckResponse } from "./messages.js";
import { reflection } from "./reflection.js";

/** What a check may know beside the request. */
export interface CheckContext {
  transport: Transport;
  /** True once Envoy has given up on the call, by timeout or because its client went away. */
  cancelled: () => boolean;
}

/** The part of a logger that this server uses; pino's loggers fit. */
export interface GrpcLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface GrpcServerOptions {
  listen: Listen;
  check: (request: CheckRequest, context: CheckContext) => Promise<CheckResponse>;
  log: GrpcLog;
  /** Who is told of the requests that have ended; without it nobody is. */
  accessLog?: AccessLogReader;
  /** Largest message in bytes, a CheckRequest with its body, also after decompression. Default 4 MiB. */
  maxMessageBytes?: number;
  /** Calls at once on one connection; Envoy opens a further connection above it. Default 1000. */
  maxConcurrentStreams?: number;
}

export interface GrpcServer {
  /** `127.0.0.1:9191`, `[::1]:9191` or `unix:/run/countersign.sock`. */
  address: string;
  /** What the health service answers. A server starts as NOT_SERVING. */
  setServing(serving: boolean): void;
  /**
   * NOT_SERVING, no new calls, and resolves when the calls in flight have ended, or after `ms` milliseconds, when what is
   * left is cut off. Further calls wait for the first.
   */
  drain(ms: number): Promise<void>;
}

const defaultMaxMessageBytes = 4 * 1024 * 1024;
const defaultMaxConcurrentStreams = 1000;
/** Calls that are decided in step: from a few on it saves no more, and each waits for the work of all. */
const mostInStep = 64;
/** A connection whose peer vanished is closed after both have passed. */
const keepaliveMs = { time: 60_000, timeout: 20_000 };

/** Serves the authorizer to Envoy. Throws an `Error` for the operator when the listener is not permitted or not free. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { log } = options;
  const listener = await prepareListener(options.listen);
  const server = new Server({
    "grpc.max_receive_message_length": options.maxMessageBytes ?? defaultMaxMessageBytes,
    "grpc.max_concurrent_streams": options.maxConcurrentStreams ?? defaultMaxConcurrentStreams,
    "grpc.keepalive_time_ms": keepaliveMs.time,
    "grpc.keepalive_timeout_ms": keepaliveMs.timeout,
    // Nobody asks for its statistics, for which each call makes seven objects.
    "grpc.enable_channelz": 0,
  });
  const health = new Health();
  const protos = loadProtos();
  const same = (bytes: Buffer): Buffer => bytes;
  // Bytes in and out, so that decoding and encoding fail inside the handler, where the answer to a failure is ours.
  server.addService(
    { Check: { ...protos.method, requestDeserialize: same, responseSerialize: same } },
    { Check: checkHandler(protos, listener.transport, options) },
  );
  const accessLog = new AccessLog({ protos, reader: options.accessLog ?? unread });
  accessLog.addTo(server);
  health.addTo(server);
  reflection(protos).addToServer(server);
  const address = await bind(server, listener);
  log.info({ address, transport: listener.transport }, "gRPC server is listening");

  let drained: Promise<void> | undefined;
  return {
    address,
    setServing: (serving) => {
      if (!drained) health.set(serving);
    },
    drain: (ms) => {
      drained ??= shutDown({ server, target: address, health, accessLog }, ms, log);
      return drained;
    },
  };
}

function checkHandler(
  protos: Protos,
  transport: Transport,
  { check, log }: GrpcServerOptions,
): handleUnaryCall<Buffer, Buffer> {
  const turnEnd = turnEnds(mostInStep);
  return async (call, callback) => {
    await turnEnd();
    let request: CheckRequest;
    try {
      request = protos.decodeRequest(call.request);
    } catch (cause) {
      log.warn({ err: cause }, "a CheckRequest could not be decoded");
      callback({ code: status.INVALID_ARGUMENT, details: "malformed request" });
      return;
    }
    try {
      const response = await check(request, { transport, cancelled: () => call.cancelled });
      const bytes = protos.encodeResponse(response);
      await inStep;
      call.sendMetadata(noMetadata);
      callback(null, bytes, noMetadata);
    } catch (cause) {
      log.error({ err: cause }, "a check failed");
      callback({ code: status.INTERNAL, details: "internal error" });
    }
  };
}

const noHeaders = Object.freeze({});

/** None before an answer and none behind it, for all calls: grpc-js would make two of them, and the maps in them, for each. */
class NoMetadata extends Metadata {
  override clone(): this {
    return this;
  }
  override toHttp2Headers(): typeof noHeaders {
    return noHeaders;
  }
}

const noMetadata = new NoMetadata();

async function bind(server: Server, { target, credentials, transport }: Listener): Promise<string> {
  const restoreUmask = transport === "unix" ? hideNewFiles() : () => {};
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    if (transport !== "unix") return target.replace(/:\d+$/, `:${port}`);
    await chmod(target.slice("unix:".length), 0o660);
    return target;
  } catch (cause) {
    server.forceShutdown();
    throw new Error(`the gRPC server cannot listen on ${target}`, { cause });
  } finally {
    restoreUmask();
  }
}

/** Keeps others out of the socket from the moment it exists, before its mode can be set. Worker threads have no umask. */
function hideNewFiles(): () => void {
  if (!isMainThread) return () => {};
  const before = process.umask();
  process.umask(before | 0o007);
  return () => void process.umask(before);
}

const unread: AccessLogReader = { take() {}, lost() {} };

interface Served {
  server: Server;
  /** Where it listens. */
  target: string;
  health: Health;
  accessLog: AccessLog;
}

async function shutDown({ server, target, health, accessLog }: Served, ms: number, log: GrpcLog): Promise<void> {
  health.set(false);
  health.endWatches();
  accessLog.end();
  // It ends the connections that are left by then. Without channelz `forceShutdown` would not know of them.
  server.drain(target, ms);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), ms);
  });
  const closed = new Promise<"closed">((resolve) => {
    server.tryShutdown(() => resolve("closed"));
  });
  const outcome = await Promise.race([closed, deadline]);
  clearTimeout(timer);
  if (outcome === "late") {
    log.warn({ after_ms: ms }, "gRPC calls were still in flight and have been cut off");
    server.forceShutdown();
  }
}
