import { canonicalJson, canonicalName, sortedNames } from "../canonical.js";
import { CanonicalBytes, isInOrder } from "../canonical_bytes.js";
import { isBase64Url } from "../keys/jwk.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { Envelope } from "./record.js";

/** A line is not what its writer wrote. The message says in what way. */
export class BrokenRecord extends Error {
  override readonly name = "BrokenRecord";
}

/**
 * A statement with its signature, as the bytes of one line without its newline: the RFC 8785 form of both, the signature being
 * over the RFC 8785 form of everything else. Throws on what has no JSON form, and on a key of another kind.
 */
export function signedLine(statement: object, key: SigningKey): Buffer {
  scratch.clear();
  writeSigned(scratch, statement, key);
  return Buffer.from(scratch.from(0));
}

const scratch = new CanonicalBytes();

/** Members of a line that are not the statement's, in the order of their names, with a place for the signature among them. */
export interface Added {
  names: readonly string[];
  values: readonly unknown[];
}

const nothing: Added = { names: ["signature"], values: [null] };

/**
 * Writes such a line behind what stands in `room`. What is `added` stands there instead of what the statement says under these
 * names. After an error there may be a part of it.
 */
export function writeSigned(room: CanonicalBytes, statement: object, key: SigningKey, added: Added = nothing): void {
  const start = room.end;
  const place = writeUnsigned(room, statement, added);
  const value = key.signText(room.from(start));
  const isFirst = place === start + 1;
  const isLast = place === room.end - 1;
  // What was signed stays where it is, and the signature is put into it: no part of a line is written twice.
  room.insert(place, `${isFirst ? "" : ","}${headOf(key)}${value}"}${isFirst && !isLast ? "," : ""}`);
}

/** Writes all but the signature. Gives the place of that. A copy of the statement with the others in it would take longer. */
function writeUnsigned(room: CanonicalBytes, statement: object, added: Added): number {
  room.byte(0x7b);
  const start = room.end;
  const { names } = added;
  let place = -1;
  let next = 0;
  const add = (upTo: string | null): void => {
    for (; next < names.length && (upTo === null || (names[next] as string) <= upTo); next++) {
      if (names[next] === "signature") place = room.end;
      else room.member(names[next] as string, added.values[next], start);
    }
  };
  const put = (name: string): void => {
    if (next < names.length && (names[next] as string) <= name) add(name);
    if (next === 0 || names[next - 1] !== name) room.member(name, (statement as Members)[name], start);
  };
  if (isInOrder(statement)) {
    // As in `CanonicalBytes`: without a list of the names it takes two thirds of the time.
    for (const name in statement) put(name);
  } else {
    for (const name of sortedNames(statement)) put(name);
  }
  add(null);
  room.byte(0x7d);
  return place;
}

type Members = Readonly<Record<string, unknown>>;

/** What stands before the value of the signatures of a key, written once. */
const heads = new WeakMap<SigningKey, string>();

function headOf(key: SigningKey): string {
  const known = heads.get(key);
  if (known !== undefined) return known;
  const head = signatureMember({ alg: recordAlgorithm(key), kid: key.kid, value: "" }).slice(0, -2);
  heads.set(key, head);
  return head;
}

/**
 * Reads one signed line (without its newline): its bytes must be the only spelling of the statement, and one of the keys
 * must have signed it. Throws `BrokenRecord`.
 */
export function readSignedLine(line: Uint8Array, keys: readonly VerifyKey[]): Record<string, unknown> {
  const statement = parse(line);
  const { before, after } = spelledOut(statement, line);
  checkSignature(statement.signature, Buffer.from(objectOf(before, after)), keys);
  return statement;
}

/** The algorithm of a key that may sign records. Throws for the kinds that may not. */
export function recordAlgorithm(key: VerifyKey): Envelope["signature"]["alg"] {
  if (key.alg === "ES256") throw new Error("audit records are signed with an Ed25519 or HMAC key");
  return key.alg;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parse(line: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch {
    throw new BrokenRecord("is not JSON in UTF-8");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new BrokenRecord("is not an object");
  return value as Record<string, unknown>;
}

/** The members of a statement whose line is the one way to write it. */
function spelledOut(statement: Record<string, unknown>, line: Uint8Array): Around {
  let around: Around;
  let text: string;
  try {
    around = aroundSignature(statement);
    const signature = "signature" in statement ? signatureMember(statement.signature) : "";
    text = objectOf(around.before, signature, around.after);
  } catch {
    throw new BrokenRecord("holds what JSON cannot say, or is nested too deeply");
  }
  if (!Buffer.from(text).equals(line)) throw new BrokenRecord("is not in canonical form (RFC 8785)");
  return around;
}

function checkSignature(given: unknown, signed: Uint8Array, keys: readonly VerifyKey[]): void {
  const { alg, kid, value, ...more } = Object(given) as Record<string, unknown>;
  // The signature cannot cover itself, so whatever else stood in it would be unsigned.
  if (typeof alg !== "string" || typeof kid !== "string" || typeof value !== "string" || Object.keys(more).length > 0) {
    throw new BrokenRecord("signature is not {alg, kid, value}");
  }
  const named = keys.filter((key) => key.kid === kid);
  if (named.length === 0) throw new BrokenRecord(`is signed with the key ${JSON.stringify(kid)}, which was not given`);
  const fitting = named.filter((key) => key.alg !== "ES256" && key.alg === alg);
  if (fitting.length === 0) throw new BrokenRecord("names another signature algorithm than its key has");
  // Base64url leaves spare bits in the last character, which must not be a way to write the same record twice.
  if (!isBase64Url(value)) throw new BrokenRecord("signature is not canonical base64url");
  const signature = Buffer.from(value, "base64url");
  if (!fitting.some((key) => key.verify(signed, signature))) throw new BrokenRecord("signature does not verify");
}

/** Members in RFC 8785 form, without braces: those that stand before the signature, and those after it. */
interface Around {
  before: string;
  after: string;
}

function aroundSignature(statement: object): Around {
  const around = { before: "", after: "" };
  for (const name of sortedNames(statement)) {
    const value = (statement as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || name === "signature") continue;
    const member = canonicalName(name) + canonicalJson(value);
    if (name < "signature") around.before += around.before === "" ? member : `,${member}`;
    else around.after += around.after === "" ? member : `,${member}`;
  }
  return around;
}

function signatureMember(signature: unknown): string {
  return canonicalName("signature") + canonicalJson(signature);
}

function objectOf(...members: string[]): string {
  return `{${members.filter((text) => text !== "").join(",")}}`;
}
