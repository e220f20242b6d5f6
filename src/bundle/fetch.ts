import { readFile } from "node:fs/promises";
import { bounds } from "./archive.js";
import { detailOf, InvalidBundle } from "./error.js";

export interface FetchOptions {
  url: string;
  /** File with the bearer token to ask with; read for each request, since such tokens are renewed. */
  tokenFile: string | undefined;
  /** Of the bundle that is known; then the answer may be that it is still the same. */
  etag: string | null;
  signal: AbortSignal;
  /** Longest time for the whole bundle to arrive. */
  timeoutMs: number;
}

export interface Fetched {
  bytes: Buffer;
  etag: string | null;
}

/**
 * Asks for a bundle once; `null` when it is the one that is known. Redirects are not followed, since the token would
 * follow them. Throws `InvalidBundle` for every other answer, and when there is none in time.
 */
export async function fetchBundle(options: FetchOptions): Promise<Fetched | null> {
  const { url, tokenFile, etag, signal, timeoutMs } = options;
  const token = tokenFile === undefined ? null : await readToken(tokenFile);
  const headers = {
    accept: "application/gzip",
    // What a server compresses on top of the file would be undone unseen.
    "accept-encoding": "identity",
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(etag !== null && { "if-none-match": etag }),
  };
  const asking = new AbortController();
  let late = false;
  const give = (): void => asking.abort();
  // Not `AbortSignal.timeout` within `AbortSignal.any`: Node 20 may collect the timer of such a pair before it rings.
  const timer = setTimeout(() => {
    late = true;
    give();
  }, timeoutMs);
  signal.addEventListener("abort", give);
  if (signal.aborted) give();
  try {
    const response = await fetch(url, { headers, redirect: "manual", signal: asking.signal });
    if (response.status === 304 && etag !== null) return null;
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new InvalidBundle(refusalOf(response));
    }
    return { bytes: await boundedBody(response), etag: response.headers.get("etag") };
  } catch (error) {
    if (error instanceof InvalidBundle) throw error;
    if (late) throw new InvalidBundle(`nothing arrived within ${timeoutMs / 1000} s`);
    throw new InvalidBundle(`it cannot be fetched: ${causeOf(error)}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", give);
  }
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  const token = text.trim();
  if (/^[!-~]{1,8192}$/.test(token)) return token;
  throw new InvalidBundle(`${path} holds no token, or cannot be read`);
}

function refusalOf(response: Response): string {
  const { status } = response;
  if (status >= 300 && status < 400) return `the server answers ${status}, and redirects are not followed`;
  return status === 401 || status === 403
    ? `the server answers ${status}: the token in token_file is missing or may not read it`
    : `the server answers ${status}`;
}

async function boundedBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > bounds.unpackedBytes) throw new InvalidBundle(`it is larger than ${bounds.unpackedBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Of a failed `fetch` the cause says what happened. */
function causeOf(error: unknown): string {
  return String(detailOf(detailOf(error, "cause") ?? error, "message") ?? error);
}
