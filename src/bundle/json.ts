import { visit } from "jsonc-parser";
import { InvalidBundle } from "./error.js";

/** A JSON file of a bundle. */
export interface ReadJson {
  value: unknown;
  /**
   * What OPA hashes of it: no spaces, members sorted by the bytes of their names, numbers as they were written
   * (https://www.openpolicyagent.org/docs/management-bundles#signature-format).
   */
  form: string;
}

/** Objects and lists inside each other; documents need some ten. */
const maxDepth = 64;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads JSON that has one reading. Throws `InvalidBundle` for anything that is not JSON, not UTF-8 or nested too deep,
 * and for repeated names, `__proto__` and lone surrogates, which readers do not agree on.
 */
export function readJson(name: string, bytes: Uint8Array): ReadJson {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    return { value, form: formOf(text) };
  } catch (error) {
    // The parser's own message would quote the file.
    const why = error instanceof Ambiguous ? error.message : "is not JSON";
    throw new InvalidBundle(`${name} ${why}`);
  }
}

class Ambiguous extends Error {}

/** An object or a list whose end is not reached yet. Members of an object stand as name and form. */
type Open = { kind: "object"; members: Map<string, string>; name: string } | { kind: "list"; items: string[] };

/** The text is JSON; this walk looks for what its parser silently resolves. */
function formOf(text: string): string {
  const open: Open[] = [];
  let whole = "";
  const begin = (next: Open): void => {
    if (open.length === maxDepth) throw new Ambiguous(`is nested deeper than ${maxDepth} levels`);
    open.push(next);
  };
  const add = (form: string): void => {
    const parent = open.at(-1);
    if (!parent) whole = form;
    else if (parent.kind === "list") parent.items.push(form);
    else parent.members.set(parent.name, form);
  };
  const end = (): void => {
    const done = open.pop();
    if (done) add(done.kind === "list" ? `[${done.items.join(",")}]` : objectForm(done.members));
  };
  visit(text, {
    onObjectBegin: () => begin({ kind: "object", members: new Map(), name: "" }),
    onArrayBegin: () => begin({ kind: "list", items: [] }),
    onObjectEnd: end,
    onArrayEnd: end,
    onObjectProperty: (name) => {
      const parent = open.at(-1);
      if (parent?.kind !== "object") return;
      if (name === "__proto__") throw new Ambiguous("has a name that is not permitted");
      if (parent.members.has(name)) throw new Ambiguous(`has the name ${textForm(name)} twice`);
      parent.name = name;
    },
    onLiteralValue: (value: unknown, offset, length) => {
      add(typeof value === "string" ? textForm(value) : text.slice(offset, offset + length));
    },
  });
  return whole;
}

function objectForm(members: ReadonlyMap<string, string>): string {
  const sorted = [...members].map(([name, form]) => ({ name: Buffer.from(name), form: `${textForm(name)}:${form}` }));
  sorted.sort((a, b) => Buffer.compare(a.name, b.name));
  return `{${sorted.map(({ form }) => form).join(",")}}`;
}

/** As Go's encoder writes it, which escapes the line separators that JavaScript once took for ends of lines. */
function textForm(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new Ambiguous("has a text that is not Unicode");
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
