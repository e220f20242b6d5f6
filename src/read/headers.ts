import type { Header } from "../call.js";
import { Refusal } from "../refusal.js";
import type { HttpAttributes, RawHeader } from "./check_request.js";
import { headerName } from "./header_names.js";

/** The headers of the request, and apart from them what Envoy says in their place. */
export interface ReadHeaders {
  headers: readonly Header[];
  /** HTTP/2 pseudo headers, which Envoy lists among the others. */
  pseudo: readonly Header[];
  /** Envoy's mark on a body of which it kept only the beginning. */
  partialBody: boolean;
  /** True when one asks for another method than the request has. */
  override: boolean;
}

const visible = /^[\t\x20-\x7e]*$/;

/** Reads either form in which Envoy passes headers. Throws `malformed_request` and `malformed_header`. */
export function readHeaders(http: HttpAttributes): ReadHeaders {
  const joined = joinedOf(http.headers);
  const lines = http.header_map?.lines ?? nothing;
  const raw = http.header_map?.headers ?? nothing;
  const byLine = lines.length > 0 || raw.length > 0;
  if (joined.length > 0 && byLine) {
    throw new Refusal("malformed_request", "the headers are given in two forms");
  }
  const read = new Reading(!byLine);
  for (const header of joined) read.add(header);
  for (const line of lines) read.add(line);
  for (const line of raw) read.add(lineOf(line));
  read.refuseRepeats();
  return read;
}

/** The one value of a header that `readHeaders` let occur only once. */
export function singleValue(headers: readonly Header[], name: string): string | undefined {
  for (const header of headers) if (header.name === name) return header.value;
  return undefined;
}

const nothing: readonly never[] = [];

class Reading implements ReadHeaders {
  readonly headers: Header[] = [];
  readonly pseudo: Header[] = [];
  partialBody = false;
  override = false;
  /** True where a value may be several header lines. */
  readonly #joined: boolean;
  #seen = 0;
  #repeated: string | null = null;

  constructor(joined: boolean) {
    this.#joined = joined;
  }

  add(given: Header): void {
    const { name, pseudo, partial, single, override } = headerName(given.name);
    if (name === null) {
      throw new Refusal("malformed_header", "a header name is not made of letters, digits and hyphens");
    }
    const { value } = given;
    if (!visible.test(value)) {
      throw new Refusal("malformed_header", `header ${name.slice(0, 64)} holds bytes outside visible ASCII`);
    }
    const header = name === given.name ? given : { name, value };
    if (pseudo) this.pseudo.push(header);
    else if (partial) this.partialBody ||= value !== "false";
    else {
      this.headers.push(header);
      if (override) this.override = true;
      if (single !== 0) this.#count(header, single);
    }
  }

  #count({ name, value }: Header, single: number): void {
    const again = (this.#seen & single) !== 0 || (this.#joined && value.includes(","));
    if (again) this.#repeated ??= name;
    this.#seen |= single;
  }

  /** After all of them were read, since what cannot be read comes first. */
  refuseRepeats(): void {
    if (this.#repeated !== null) {
      throw new Refusal("malformed_header", `header ${this.#repeated} is given more than once`);
    }
  }
}

function joinedOf(headers: HttpAttributes["headers"]): readonly Header[] {
  if (!headers) return nothing;
  if (isList(headers)) return headers;
  return Object.entries(headers).map(([name, value]) => ({ name, value }));
}

function isList(headers: NonNullable<HttpAttributes["headers"]>): headers is readonly Header[] {
  return Array.isArray(headers);
}

function lineOf(line: RawHeader): Header {
  const name = line.key ?? "";
  const raw = line.raw_value ?? new Uint8Array();
  if (raw.length === 0) return { name, value: line.value ?? "" };
  if (line.value) throw new Refusal("malformed_request", "a header has two values in one line");
  return { name, value: Buffer.from(raw).toString("latin1") };
}
