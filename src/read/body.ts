import type { Header } from "../call.js";
import { Refusal } from "../refusal.js";
import type { HttpAttributes } from "./check_request.js";
import { singleValue } from "./headers.js";

/** The body of a request, and whether its framing announced one. */
export interface FramedBody {
  body: Uint8Array | string;
  announced: boolean;
}

const loneSurrogate = /\p{Surrogate}/u;
const decimal = /^(0|[1-9][0-9]{0,14})$/;

/**
 * The whole body or a refusal: `body_too_large`, `body_incomplete`, or `malformed_header` and `malformed_request`
 * when framing and body contradict each other. Nothing is parsed yet, since nobody is identified yet.
 */
export function readFramedBody(
  http: HttpAttributes,
  headers: readonly Header[],
  partial: boolean,
  maxBodyBytes: number,
): FramedBody {
  const body = bodyOf(http);
  const length = announcedLength(headers);
  const chunked = isChunked(headers);
  if (chunked && length !== undefined) {
    throw new Refusal("malformed_header", "content-length and transfer-encoding exclude each other");
  }
  const received = receivedBytes(http.size);
  const size = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  if (Math.max(size, length ?? 0, received) > maxBodyBytes) {
    throw new Refusal("body_too_large", `the body is larger than ${maxBodyBytes} bytes`);
  }
  if (partial || size < Math.max(length ?? 0, received)) {
    throw new Refusal("body_incomplete", "only a part of the body could be inspected");
  }
  if (length !== undefined && length < size) {
    throw new Refusal("malformed_request", "the body is longer than its content-length");
  }
  // Text of which each character is one byte is ASCII.
  return { body: size === body.length ? body : wellFormed(body), announced: chunked || (length ?? 0) > 0 };
}

/** Text stays text: to be made into bytes and, when it is read, into text again would take longer than to look at it. */
function bodyOf(http: HttpAttributes): Uint8Array | string {
  const raw = http.raw_body ?? new Uint8Array();
  const text = http.body ?? "";
  if (!(raw instanceof Uint8Array) || typeof text !== "string") {
    throw new Refusal("malformed_request", "the body has no readable form");
  }
  if (raw.length > 0 && text !== "") throw new Refusal("malformed_request", "the body is given in two forms");
  if (raw.length > 0) return raw;
  return text;
}

/** Where a text has half a character, its bytes have another one in its place. */
function wellFormed(body: Uint8Array | string): Uint8Array | string {
  return typeof body === "string" && loneSurrogate.test(body) ? Buffer.from(body, "utf8") : body;
}

function announcedLength(headers: readonly Header[]): number | undefined {
  const text = singleValue(headers, "content-length");
  if (text === undefined) return undefined;
  if (!decimal.test(text)) throw new Refusal("malformed_header", "content-length is not a plain decimal number");
  return Number(text);
}

function isChunked(headers: readonly Header[]): boolean {
  const coding = singleValue(headers, "transfer-encoding");
  if (coding === undefined) return false;
  if (coding.toLowerCase() !== "chunked") throw new Refusal("malformed_header", "transfer-encoding is not chunked");
  return true;
}

/** Unset and -1 both mean unknown, and then the other signs decide. */
function receivedBytes(size: HttpAttributes["size"]): number {
  const text = String(size ?? "");
  if (text === "" || text === "-1") return 0;
  if (!decimal.test(text)) throw new Refusal("malformed_request", "the request size is not a number");
  return Number(text);
}
