import type { Call, Json } from "../call.js";
import { mapMembers, mapTexts } from "../dlp/texts.js";
import { percentDecode } from "../percent.js";
import { type Copies, copiesIn, withoutCopies } from "./copies.js";
import { hiddenBy, mayHoldToken, someMayHoldToken, withoutSecrets, withoutTokens } from "./secrets.js";

type Members = Readonly<Record<string, Json>>;

/** Names that policies take out of calls. */
export interface Removed {
  headers: ReadonlySet<string>;
  query: ReadonlySet<string>;
}

/** What detectors found in a call, as far as masking is concerned with it. */
export interface Found {
  /** False when the call was too large to be searched. */
  complete: boolean;
  /** Of a complete search, empty when there is nothing to mask. */
  hits: readonly unknown[];
  /** A copy of names with their values, what is found replaced; without a complete search, of what is short. */
  masked(members: Members): Record<string, Json>;
  /** A text under no name, what is found replaced. */
  maskedText(text: string): string;
}

type MaskedCall = Pick<Call, "params" | "fromQuery" | "body"> & {
  destination: Pick<Call["destination"], "host">;
  http: Pick<Call["http"], "query" | "headers">;
};

/** What masking goes by. A call can be refused before any of it is known. */
export interface MaskParts {
  call?: MaskedCall | null | undefined;
  /** What policies take out of calls, and what detectors found; `scanned` is `null` when none were asked for. */
  evaluation?: { removes: Removed; scanned: Found | null } | null | undefined;
}

/**
 * Makes what a call says fit for everybody who reads records, logs and traces. What is masked becomes a placeholder:
 * `[email]` for what a detector finds; `[token]` for tokens anywhere; `[secret]` for what stands under a secret's name;
 * `[removed]` for what policies take out of calls. What a detector only knows by the name it stands under hides its copies
 * in the path and in what is quoted, and in no other field: else a call could blank what it did by repeating it under such a
 * name. Throws when the detectors do.
 */
export interface Masker {
  /** Of one text that the catalogue made of the call. */
  text(text: string): string;
  /** Of a text that tells once more what has its own field, such as a sentence: without copies of what was found too. */
  quoted(text: string): string;
  /** Of a path, whatever its spelling; its variables may be parameters. */
  path(path: string): string;
  /** Of a host, each label by itself too. */
  host(host: string): string;
  /** Of texts at any depth, names included. This and the following give what they were given where nothing is masked. */
  value(value: Json): Json;
  params(params: Members): Members;
  query(query: Members): Members;
  headers(headers: Members): Members;
}

/** The masker of one decision. */
export function createMasker({ call, evaluation }: MaskParts): Masker {
  const scanned = evaluation?.scanned ?? null;
  // Where nothing was found there is nothing to look for again, which is so for most calls.
  const found = scanned && (!scanned.complete || scanned.hits.length > 0) ? scanned : null;
  return new CallMasker(call ?? null, evaluation?.removes ?? nothing, found);
}

/** What most calls need of it is known at once; the rest is found out when it is asked for. */
class CallMasker implements Masker {
  readonly #call: MaskedCall | null;
  readonly #removed: Removed;
  readonly #found: Found | null;
  #copies: Copies | null = null;
  #secrets: Secrets | null = null;

  constructor(call: MaskedCall | null, removed: Removed, found: Found | null) {
    this.#call = call;
    this.#removed = removed;
    this.#found = found;
  }

  text(raw: string): string {
    return withoutTokens(this.#found ? this.#found.maskedText(raw) : raw);
  }

  quoted(raw: string): string {
    return this.#found?.complete && this.#call
      ? this.text(withoutCopies(raw, this.#copiesIn(this.#call)))
      : this.text(raw);
  }

  path(path: string): string {
    const { inPath } = this.#secretsIn();
    // Then each segment is what it is decoded to, and none is a secret.
    if (inPath.size === 0 && !path.includes("%")) return this.quoted(path);
    return this.#bySegment(path, inPath);
  }

  #bySegment(path: string, secrets: Secrets["inPath"]): string {
    const quoted = (raw: string): string => this.quoted(raw);
    return quoted(
      path
        .split("/")
        .map((segment) => maskSegment(segment, secrets, quoted))
        .join("/"),
    );
  }

  host(host: string): string {
    if (!this.#found && !mayHoldToken(host)) return host;
    return this.text(
      host
        .split(".")
        .map((label) => this.text(label))
        .join("."),
    );
  }

  value(raw: Json): Json {
    const shown = this.#found ? (Object.values(this.#found.masked({ "": raw }))[0] ?? null) : raw;
    return someMayHoldToken(shown) ? mapTexts(shown, "", tokenless) : shown;
  }

  params(params: Members): Members {
    return this.#members(params, this.#removed.query);
  }

  query(raw: Members): Members {
    const { inQuery } = this.#secretsIn();
    if (inQuery.size === 0) return this.#members(raw, this.#removed.query);
    const shown = Object.entries(raw).map(([name, value]) => [
      name,
      isText(value) ? (inQuery.get(String(value)) ?? value) : value,
    ]);
    return this.#members(Object.fromEntries(shown), this.#removed.query);
  }

  headers(headers: Members): Members {
    return this.#members(headers, this.#removed.headers);
  }

  #members(raw: Members, names: ReadonlySet<string>): Members {
    const shown = withoutSecrets(this.#found ? this.#found.masked(raw) : raw, names);
    return someMayHoldToken(shown as Json) ? mapMembers(shown, tokenless) : shown;
  }

  #copiesIn(call: MaskedCall): Copies {
    const found = this.#found;
    this.#copies ??= found ? copiesIn(partsOf(call), (part) => found.masked(part)) : new Map();
    return this.#copies;
  }

  #secretsIn(): Secrets {
    this.#secrets ??= secretsOf(this.#call, this.#removed.query);
    return this.#secrets;
  }
}

function tokenless({ text }: { text: string }): string {
  return withoutTokens(text);
}

/** Everything in a call that stands under a name, and the labels of the host, which may only be known by themselves. */
function partsOf({ params, body, destination, http }: MaskedCall): Members[] {
  const lines = (pairs: readonly { name: string; value: string }[]) =>
    pairs.map(({ name, value }) => ({ [name]: value }));
  return [params, body ?? {}, ...lines(http.query), ...lines(http.headers), { "": destination.host.split(".") }];
}

interface Secrets {
  inPath: ReadonlyMap<string, string>;
  inQuery: ReadonlyMap<string, string>;
}

const noSecrets: Secrets = { inPath: new Map(), inQuery: new Map() };

/**
 * Secrets by name that stand in the path or the query under no name, or under another, with their placeholders. A body
 * that repeats a segment hides it there and nowhere else, since what the catalogue reads from the path has its own field.
 */
function secretsOf(call: MaskedCall | null, removed: ReadonlySet<string>): Secrets {
  // Most calls have none, and get what all of them get.
  let secrets: { inPath: Map<string, string>; inQuery: Map<string, string> } | null = null;
  for (const name in call?.params) {
    const value = call.params[name] as Json;
    const shown = isText(value) ? hiddenBy(name, value, removed) : null;
    if (shown === null || value === "") continue;
    secrets ??= { inPath: new Map(), inQuery: new Map() };
    if (!call.fromQuery.includes(name)) secrets.inPath.set(String(value), shown);
    else if (!call.http.query.some((one) => one.name === name)) secrets.inQuery.set(String(value), shown);
  }
  return secrets ?? noSecrets;
}

/** A segment that has no secret when decoded stays as it is spelled; the path as a whole is looked at afterwards. */
function maskSegment(segment: string, secrets: ReadonlyMap<string, string>, text: (raw: string) => string): string {
  const decoded = percentDecode(percentDecode(segment));
  const secret = secrets.get(decoded);
  if (secret !== undefined) return secret;
  if (decoded === segment) return segment;
  const shown = text(decoded);
  return shown === decoded ? segment : shown;
}

const none: ReadonlySet<string> = new Set();
const nothing: Removed = { headers: none, query: none };

/** Has a text of its own, which may be said again elsewhere. */
function isText(value: Json): value is string | number {
  return typeof value === "string" || typeof value === "number";
}
