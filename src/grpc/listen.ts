import { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { lstat, unlink } from "node:fs/promises";
import { BlockList, connect, isIP } from "node:net";
import { resolve } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";

/** Where Envoy reaches the server. `tls` asks the client for a certificate of `clientCa`; all three are PEM. */
export type Listen =
  | { kind: "unix"; path: string }
  | { kind: "tcp"; host: string; port: number; tls?: { cert: Buffer; key: Buffer; clientCa: Buffer } };

/** How a call came in, and so how far the request's claims about its client are believed. */
export type Transport = "unix" | "mtls" | "loopback";

/** A listener that may be bound: `target` in the form that grpc-js takes. */
export interface Listener {
  transport: Transport;
  target: string;
  credentials: ServerCredentials;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True for an IP address that only this host reaches. */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** sun_path of unix(7) holds 108 bytes with the final NUL; longer paths would be cut silently. */
const maxSocketPath = 107;

/** Holds the listener to the rules of trust. Throws an `Error` for the operator when one is broken. */
export async function prepareListener(listen: Listen): Promise<Listener> {
  if (listen.kind === "unix") {
    const path = resolve(listen.path);
    await clearSocketPath(path);
    return { transport: "unix", target: `unix:${path}`, credentials: ServerCredentials.createInsecure() };
  }
  const { host, port, tls } = listen;
  if (host === "") throw new Error("the gRPC listener names no host");
  // One address, so that a name cannot end in a listener on half of its addresses.
  const { address, family } = await lookup(host, { order: "ipv4first" });
  const target = family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  if (tls) return { transport: "mtls", target, credentials: mutualTls(tls) };
  if (!isLoopback(address)) {
    throw new Error(
      `gRPC without TLS may listen on loopback or a Unix socket only, and ${host} is neither: add tls, or listen on 127.0.0.1`,
    );
  }
  return { transport: "loopback", target, credentials: ServerCredentials.createInsecure() };
}

function mutualTls(tls: { cert: Buffer; key: Buffer; clientCa: Buffer }): ServerCredentials {
  // An empty CA file would leave the choice of trusted authorities to OpenSSL, so each file has to hold a certificate.
  for (const [name, pem] of [["certificate", tls.cert] as const, ["client CA", tls.clientCa] as const]) {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw new Error(`the TLS ${name} of the gRPC listener is not a PEM certificate`, { cause });
    }
  }
  return ServerCredentials.createSsl(tls.clientCa, [{ cert_chain: tls.cert, private_key: tls.key }], true);
}

/** Makes room for a socket at `path`: removes what a dead server left, and nothing else. */
async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPath) {
    throw new Error(`the socket path ${path} is longer than ${maxSocketPath} bytes`);
  }
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!found) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is not a socket`);
  const answer = await knock(path);
  if (answer === "answered") throw new Error(`another process is listening on ${path}`);
  if (answer === "ECONNREFUSED") await unlink(path);
  else if (answer !== "ENOENT") throw new Error(`cannot tell whether ${path} is in use: ${answer}`);
}

/** `answered`, or the code of the error that connecting ended in. */
function knock(path: string): Promise<string> {
  return new Promise((settle) => {
    const socket = connect(path);
    const end = (answer: string) => {
      socket.destroy();
      settle(answer);
    };
    socket.once("connect", () => end("answered"));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.setTimeout(2_000, () => end("no answer within 2 s"));
  });
}
