import type { Call, HttpRequest } from "../../src/call.js";
import { decode, loadCatalogue } from "../../src/decode/index.js";
import { Refusal } from "../../src/refusal.js";

/** What a test says about a request; everything else is that of a plain JSON deploy. */
export interface Sketch {
  method?: string;
  authority?: string;
  target?: string;
  scheme?: "http" | "https";
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  bodyAnnounced?: boolean;
}

export function request(sketch: Sketch = {}): HttpRequest {
  const body = Buffer.from(sketch.body ?? '{"environment":"staging"}');
  const headers = sketch.headers ?? { "content-type": "application/json" };
  return {
    id: "1",
    method: sketch.method ?? "POST",
    scheme: sketch.scheme ?? "https",
    authority: sketch.authority ?? "deploy.internal",
    target: sketch.target ?? "/v1/deploy",
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    body,
    bodyAnnounced: sketch.bodyAnnounced ?? body.length > 0,
  };
}

/** Decodes by one catalogue entry, given what differs from the plain deploy tool. */
export function decodeWith(
  entry: Record<string, unknown>,
  sketch: Sketch = {},
  unmatched: "deny" | "passthrough" = "deny",
): Call {
  const tool = {
    name: "deploy-api",
    match: { hosts: ["deploy.internal"], path: "/v1/{verb}" },
    action: "{path.verb}",
    ...entry,
  };
  return decode(request(sketch), loadCatalogue("tools.yaml", JSON.stringify({ tools: [tool] })), { unmatched });
}

/** The reason of the refusal that `work` ends in, or what it gives. Any other error is thrown on. */
export function reasonOf<T>(work: () => T): string | T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}
