import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface SendOptions {
  /** Host name of the call, where it differs from the address that is connected to. */
  host?: string;
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
  /** Milliseconds of silence after which the call fails. */
  timeoutMs?: number;
}

/** One HTTP/1.1 request on a connection of its own. Unlike `fetch` it can name any host, and it changes no path. */
export function send(url: string, options: SendOptions = {}): Promise<Answer> {
  const { method = options.body === undefined ? "GET" : "POST", timeoutMs = 30_000 } = options;
  const [, hostname = "", port = "80", path = "/"] = /^http:\/\/([^:/]+):?(\d*)(.*)$/.exec(url) ?? [];
  return new Promise((resolve, reject) => {
    const headers = { host: options.host ?? `${hostname}:${port}`, ...options.headers };
    const call = request({ hostname, port, path: path || "/", method, headers, agent: false, timeout: timeoutMs });
    call.once("timeout", () => call.destroy(new Error(`no answer from ${url} within ${timeoutMs} ms`)));
    call.once("error", reject);
    call.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    call.end(options.body);
  });
}

/** What came back for exact bytes. `status` is 0 when the peer closed without a response line. */
export interface RawAnswer {
  status: number;
  /** Everything received, as Latin-1. */
  text: string;
}

/**
 * Sends exact bytes (a string is Latin-1, so `\xe9` is one byte) and reads until the peer closes or falls silent after a
 * whole answer. For requests that no HTTP client would write.
 */
export function sendRaw(port: number, bytes: string | Uint8Array, timeoutMs = 30_000): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let quiet = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.destroy(), isWhole(text) ? 100 : timeoutMs);
    });
    let opened = false;
    socket.once("connect", () => {
      opened = true;
    });
    // A peer that refuses a message may reset the connection while we still write; what it said before counts.
    socket.once("error", (error) => (opened ? undefined : reject(error)));
    socket.once("close", () => {
      clearTimeout(quiet);
      resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), text });
    });
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  });
}

/** Whether an answer is there up to its end, as far as its header tells where that is. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const [head, body] = [text.slice(0, end), text.slice(end + 4)];
  if (/^transfer-encoding: *chunked/im.test(head)) return body.endsWith("0\r\n\r\n");
  return body.length >= Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}
