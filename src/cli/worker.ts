import cluster from "node:cluster";
import { type RunningServer, startServer } from "../server.js";
import { type Link, linkToPeers } from "../workers/link.js";
import type { FromWorker, ToWorker } from "../workers/messages.js";
import { exitCodeOf, messageOf } from "./terminal.js";

/*
 * One worker of `countersign serve`. The supervisor starts this program and tells it what to run with. It drains when it is told to,
 * at SIGTERM or SIGINT, and when the supervisor is gone, so that no worker is left without one.
 */

let link: Link | null = null;
let running: Promise<RunningServer> | null = null;
let isReady = false;
let isStopping = false;

process.on("message", (message: ToWorker) => {
  if (message.kind === "start") void start(message);
  else if (message.kind === "stop") void stop();
  else link?.heard(message);
});

cluster.worker?.once("disconnect", () => {
  // Else Node would end this process at once, and calls in flight with it.
  if (cluster.worker && isReady) cluster.worker.exitedAfterDisconnect = true;
  link?.lost();
  void stop();
});

send({ kind: "here" });

function send(message: FromWorker): void {
  // Without the supervisor nobody waits for it.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function start({ config, worker, workers, umask }: Extract<ToWorker, { kind: "start" }>): Promise<void> {
  process.umask(umask);
  link = linkToPeers({ worker, workers }, send);
  send({ kind: "linked" });
  try {
    running = startServer(config, { peers: link });
    const server = await running;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
    isReady = true;
    send({ kind: "ready", grpc: server.grpc, http: server.http, policyVersion: server.policyVersion() });
  } catch (error) {
    const code = exitCodeOf(error);
    process.send?.({ kind: "failed", message: messageOf(error), code } satisfies FromWorker, () => process.exit(code));
  }
}

async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await (await running?.catch(() => null))?.stop();
  if (process.connected) process.disconnect();
}
