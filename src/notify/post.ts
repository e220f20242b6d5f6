import { retryAfterMs } from "../backoff.js";
import { NotSent } from "./notifier.js";

/** Who posts, what, and until when. */
export interface Post {
  url: string;
  body: string;
  headers?: Record<string, string>;
  signal: AbortSignal;
  nowMs: number;
}

/**
 * Posts JSON once; any 2xx is a success. Redirects are not followed, since they could lead the message anywhere, and what
 * the answer says is not read. Throws `NotSent`, which never quotes the address: it may be a secret.
 */
export async function post({ url, body, headers, signal, nowMs }: Post): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", "user-agent": "countersign", ...headers },
    body,
    redirect: "manual",
    signal,
  }).catch((error: unknown) => {
    throw new NotSent(signal.aborted ? "no answer in time" : `it cannot be reached: ${codeOf(error)}`);
  });
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const { status } = response;
  if (status === 410) throw new NotSent("it answers 410: nobody listens there any more", { never: true });
  if (status >= 300 && status < 400) throw new NotSent(`it answers ${status}, and redirects are not followed`);
  const asked = status === 429 || status === 503 ? retryAfterMs(response.headers.get("retry-after"), nowMs) : null;
  throw new NotSent(`it answers ${status}`, asked === null ? {} : { afterMs: asked });
}

/** `ECONNREFUSED` and the like; other texts may quote the address. */
function codeOf(error: unknown): string {
  const code = memberOf(memberOf(error, "cause"), "code");
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : "no connection";
}

function memberOf(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>)[name] : undefined;
}
