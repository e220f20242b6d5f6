import { visit } from "jsonc-parser";
import type { Json } from "../call.js";
import { Refusal } from "../refusal.js";
import { foldCase } from "./fold.js";
import { exactNumber } from "./number.js";
import { isPlainJson } from "./plain.js";
import { quote } from "./quote.js";

/** Objects and lists inside each other, the outermost counted. */
const maxDepth = 32;
/** Names and list members in all. Every one of them costs the policies time before any limit can refuse the call. */
const maxMembers = 10_000;
const loneSurrogate = /\p{Surrogate}/u;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a JSON object that every reader takes for the same (RFC 8259, RFC 7493). Throws `malformed_body` for bytes that
 * are not UTF-8, a byte order mark, anything but one object, repeated names, names spelled with needless escapes,
 * `__proto__`, lone surrogates, numbers that a double does not hold, more than 32 levels or 10,000 members. Names that
 * differ only in case count as repeated: not every reader tells them apart. A text is taken as it is: it may have no half
 * characters.
 */
export function readJsonObject(body: Uint8Array | string): { [name: string]: Json } {
  const text = typeof body === "string" ? body : decodeUtf8(body);
  const value = parse(text);
  if (!isPlainJson(text, value, { depth: maxDepth, members: maxMembers })) strictly.refuseAmbiguity(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Refusal("malformed_body", "the body is not a JSON object");
  }
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Refusal("malformed_body", "the body is not UTF-8");
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Without the parser's own message, which quotes the body and would carry secrets into the log.
    throw new Refusal("malformed_body", "the body is not JSON");
  }
}

/** The closer look, in an object of its own so that a test can see how often it is taken. */
export const strictly = { refuseAmbiguity };

/** `JSON.parse` has accepted the grammar; this walk looks for what it silently resolves. */
function refuseAmbiguity(text: string): void {
  const names: Set<string>[] = [];
  let depth = 0;
  const enter = () => {
    depth += 1;
    if (depth > maxDepth) throw new Refusal("malformed_body", `the body is nested deeper than ${maxDepth} levels`);
  };
  let members = 0;
  const count = () => {
    members += 1;
    if (members > maxMembers) throw new Refusal("malformed_body", `the body has more than ${maxMembers} members`);
  };
  visit(
    text,
    {
      onObjectBegin: () => {
        enter();
        names.push(new Set());
      },
      onObjectEnd: () => {
        depth -= 1;
        names.pop();
      },
      onArrayBegin: enter,
      onArrayEnd: () => {
        depth -= 1;
      },
      onObjectProperty: (name, offset, length) => {
        checkName(name, text.slice(offset + 1, offset + length - 1));
        count();
        const seen = names.at(-1);
        const folded = foldCase(name);
        if (!seen || seen.has(folded)) throw new Refusal("malformed_body", `the body has ${quote(name)} twice`);
        seen.add(folded);
      },
      onSeparator: (character) => character === "," && count(),
      onLiteralValue: (value: unknown, offset, length) => checkLiteral(value, text.slice(offset, offset + length)),
      onError: () => {
        throw new Refusal("malformed_body", "the body is not JSON");
      },
    },
    { disallowComments: true },
  );
}

function checkName(name: string, spelled: string): void {
  if (name === "__proto__") throw new Refusal("malformed_body", "the body has a name that is not permitted");
  if (loneSurrogate.test(name)) throw new Refusal("malformed_body", "a name in the body is not Unicode text");
  if (hasNeedlessEscape(spelled)) {
    throw new Refusal("malformed_body", `the body spells the name ${quote(name)} with escapes`);
  }
}

/** No serializer escapes ASCII letters, digits or `_`; who does wants a filter to miss the name. */
function hasNeedlessEscape(spelled: string): boolean {
  const sequences = spelled.match(/\\(?:u[0-9a-fA-F]{4}|.)/g) ?? [];
  return sequences.some(
    (sequence) => sequence.length === 6 && /^\w$/.test(String.fromCharCode(Number.parseInt(sequence.slice(2), 16))),
  );
}

function checkLiteral(value: unknown, lexeme: string): void {
  if (typeof value === "number" && exactNumber(lexeme) === null) {
    throw new Refusal("malformed_body", "the body has a number that not every reader takes for the same");
  }
  if (typeof value === "string" && loneSurrogate.test(value)) {
    throw new Refusal("malformed_body", "a text in the body is not Unicode");
  }
}
