import { connect } from "node:http2";
import { deploy } from "../demo/steps.js";

/** A body that is allowed. */
export const good = JSON.stringify(deploy("staging").json);

/** One request as bytes. Every part has a default that would be allowed. */
export interface Request {
  method?: string;
  target?: string;
  host?: string;
  /** Header lines beside those of host, credential and body; with a `content-type` among them, it replaces the default. */
  lines?: string[];
  credential?: string | null;
  body?: string | Buffer;
  /** `none`: the body goes without an announced length. `chunked`: in chunks of four bytes. */
  framing?: "length" | "chunked" | "none";
}

/** The request as it goes over HTTP/1.1, exactly. */
export function bytesOf(token: string, request: Request): Buffer {
  const { method = "POST", target = "/v1/deploy", host = "deploy.internal", lines = [], framing = "length" } = request;
  const { credential = `authorization: Bearer ${token}` } = request;
  const body = Buffer.from(request.body ?? good);
  const head = [`${method} ${target} HTTP/1.1`, `host: ${host}`];
  if (credential !== null) head.push(credential);
  if (!lines.some((line) => /^content-type:/i.test(line))) head.push("content-type: application/json");
  if (framing === "length") head.push(`content-length: ${body.length}`);
  if (framing === "chunked") head.push("transfer-encoding: chunked");
  return Buffer.concat([
    Buffer.from(`${[...head, ...lines].join("\r\n")}\r\n\r\n`, "latin1"),
    framing === "chunked" ? inChunks(body) : body,
  ]);
}

function inChunks(body: Buffer): Buffer {
  const pieces = Array.from({ length: Math.ceil(body.length / 4) }, (_, i) => body.subarray(i * 4, i * 4 + 4));
  const framed = pieces.map((piece) => Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, eol]));
  return Buffer.concat([...framed, Buffer.from("0\r\n\r\n")]);
}

const eol = Buffer.from("\r\n");

/** Headers of the default request over HTTP/2. */
export function head2(token: string): Record<string, string> {
  return {
    ":method": "POST",
    ":authority": "deploy.internal",
    ":path": "/v1/deploy",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
  };
}

/** A call over HTTP/2 with prior knowledge. What the server says before it resets the stream counts. */
export async function post2(url: string, token: string, body: Buffer, announced: boolean) {
  const session = connect(url);
  try {
    return await new Promise<{ status: number; body: string }>((resolve, reject) => {
      session.once("error", reject);
      const length = announced ? { "content-length": String(body.length) } : {};
      const stream = session.request({ ...head2(token), ...length });
      let status = 0;
      let text = "";
      stream.once("response", (headers) => {
        status = Number(headers[":status"]);
      });
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      stream.on("error", () => {});
      stream.once("close", () => resolve({ status, body: text }));
      stream.end(body);
    });
  } finally {
    session.close();
  }
}
