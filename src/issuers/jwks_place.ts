import { open } from "node:fs/promises";

/** Largest JWK Set that is read, in bytes. */
const maxBytes = 262_144;

/** Reads the JSON at a place. Rejects with an `Error` whose message an operator understands. */
export type Load = (signal: AbortSignal) => Promise<unknown>;

export function isUrl(place: string): boolean {
  return /^https?:/i.test(place);
}

/** As messages call the place: without the query, which may hold a secret of its own. */
export function nameOf(place: string): string {
  return isUrl(place) ? place.replace(/\?.*$/s, "") : place;
}

/**
 * From a URL, whole within `timeoutMs`. Redirects are not followed: where the keys are is the operator's word, and a
 * redirect would let whoever answers there, or an open redirector, choose.
 */
export function fromUrl(url: string, timeoutMs: number): Load {
  return async (closing) => {
    const asking = new AbortController();
    const give = () => asking.abort();
    // Not `AbortSignal.timeout` within `AbortSignal.any`: Node 20 may collect the timer of such a pair before it rings.
    const timer = setTimeout(give, timeoutMs);
    closing.addEventListener("abort", give);
    try {
      const response = await fetch(url, { headers: { accept }, redirect: "manual", signal: asking.signal });
      if (response.status !== 200) throw new Error(`the server answers ${response.status}`);
      return parse(await boundedBody(response));
    } catch (error) {
      if (asking.signal.aborted) throw new Error(`nothing whole arrived within ${timeoutMs / 1000} s`);
      // Of a failed `fetch` the cause says what happened.
      throw new Error(messageOf((error as Error).cause ?? error), { cause: error });
    } finally {
      clearTimeout(timer);
      closing.removeEventListener("abort", give);
      // What is left of an answer that was given up would go on arriving.
      give();
    }
  };
}

const accept = "application/jwk-set+json, application/json";

/** From a file. */
export function fromFile(path: string): Load {
  return async () => {
    const file = await open(path, "r").catch((error: Error) => {
      throw new Error(`it cannot be read: ${error.message}`);
    });
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Error("it is no file");
      if (stat.size > maxBytes) throw tooLarge();
      return parse(await file.readFile());
    } finally {
      await file.close();
    }
  };
}

async function boundedBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Error("it is not JSON in UTF-8");
  }
}

function tooLarge(): Error {
  return new Error(`it is larger than ${maxBytes} bytes`);
}

export function messageOf(error: unknown): string {
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : String(error);
}
