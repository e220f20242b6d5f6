import type { Header, HttpRequest, Json } from "../call.js";
import { readJsonObject } from "../json/strict.js";
import { Refusal } from "../refusal.js";
import { asObject, readPairs } from "./query.js";

type Reader = (body: Uint8Array | string) => { [name: string]: Json };

const bodyMethods: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const charset = /^charset=("?)utf-8\1$/i;

/** One row per kind of body that can be read. The pattern meets the lower-case type without its parameters. */
const readers: readonly { type: RegExp; read: Reader }[] = [
  { type: /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/, read: readJsonObject },
  { type: /^application\/x-www-form-urlencoded$/, read: readForm },
];

/** True when the client asks to leave HTTP, after which nothing is inspected. */
export function isUpgrade(headers: readonly Header[]): boolean {
  for (const { name, value } of headers) {
    if (name === "upgrade" || (name === "connection" && /(?:^|[\s,])upgrade(?:$|[\s,])/i.test(value))) return true;
  }
  return false;
}

/**
 * The parsed body, or `null` when there is none and none has to be. `takesBody` is false for a tool with `body: none`.
 * Throws `body_missing`, `body_unexpected`, `unsupported_content_type`, `unsupported_content_encoding`, or what the
 * reader of the content type throws. `contentType` is empty where the request names none.
 */
export function readBody(
  request: HttpRequest,
  takesBody: boolean,
  contentType: string,
): { [name: string]: Json } | null {
  refuseMissing(request, takesBody);
  if (request.body.length === 0) return null;
  if (!takesBody) throw new Refusal("body_unexpected", "this tool takes no body");
  return readerFor(request, contentType)(request.body);
}

/** The object of a body that must be there and be JSON. Throws what `readBody` throws. */
export function readJsonBody(request: HttpRequest): { [name: string]: Json } {
  refuseMissing(request, true);
  const read = readerFor(request, headerValue(request.headers, "content-type") ?? "");
  if (read !== readJsonObject) throw new Refusal("unsupported_content_type", "the body is not application/json");
  return read(request.body);
}

function readerFor({ headers }: HttpRequest, contentType: string): Reader {
  const encoding = headerValue(headers, "content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new Refusal("unsupported_content_encoding", "the body is compressed");
  }
  return readerOf(contentType);
}

/** Throws `body_missing` when a body was announced or has to be, and none can be inspected. */
export function refuseMissing(request: HttpRequest, takesBody: boolean): void {
  if (request.body.length > 0) return;
  if (request.bodyAnnounced) throw new Refusal("body_missing", "a body was announced, but none could be inspected");
  if (takesBody && bodyMethods.has(request.method)) {
    throw new Refusal("body_missing", `a ${request.method} call must have a body`);
  }
}

/** The value of a header that may occur once. Throws `malformed_header` when it does not. */
export function headerValue(headers: readonly Header[], name: string): string | undefined {
  let found: string | undefined;
  for (const header of headers) {
    if (header.name !== name) continue;
    if (found !== undefined) throw new Refusal("malformed_header", `header ${name} is given more than once`);
    found = header.value;
  }
  return found?.trim();
}

function readerOf(contentType: string): Reader {
  if (contentType === "application/json") return readJsonObject;
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  const row = readers.find((reader) => reader.type.test(type.toLowerCase()));
  if (!row) throw new Refusal("unsupported_content_type", "the body is neither JSON nor form data");
  if (parameters.length > 1 || !parameters.every((parameter) => charset.test(parameter))) {
    throw new Refusal("unsupported_content_type", "the content type has a parameter other than charset=utf-8");
  }
  return row.read;
}

function readForm(body: Uint8Array | string): { [name: string]: Json } {
  // Nothing beyond ASCII is taken, in either form.
  const text = typeof body === "string" ? body : Buffer.from(body).toString("latin1");
  return asObject(readPairs(text, "malformed_body"));
}
