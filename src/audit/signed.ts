import { canonicalJson } from "../canonical.js";
import { isBase64Url } from "../keys/jwk.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { Envelope } from "./record.js";

/** A line is not what its writer wrote. The message says in what way. */
export class BrokenRecord extends Error {
  override readonly name = "BrokenRecord";
}

/**
 * A statement with its signature, as one line without its newline: the RFC 8785 form of both, the signature being over the
 * RFC 8785 form of everything else. Throws on what has no JSON form, and on a key of another kind.
 */
export function signedLine(statement: object, key: SigningKey): string {
  const members = membersOf(statement);
  members.delete("signature");
  const value = Buffer.from(key.sign(Buffer.from(objectOf(members)))).toString("base64url");
  members.set("signature", canonicalJson({ alg: recordAlgorithm(key), kid: key.kid, value }));
  return objectOf(members);
}

/**
 * Reads one signed line (without its newline): its bytes must be the only spelling of the statement, and one of the keys
 * must have signed it. Throws `BrokenRecord`.
 */
export function readSignedLine(line: Uint8Array, keys: readonly VerifyKey[]): Record<string, unknown> {
  const statement = parse(line);
  const members = spelledOut(statement, line);
  members.delete("signature");
  checkSignature(statement.signature, Buffer.from(objectOf(members)), keys);
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

/** The members of a record whose line is the one way to write it. */
function spelledOut(record: Record<string, unknown>, line: Uint8Array): Map<string, string> {
  let members: Map<string, string>;
  try {
    members = membersOf(record);
  } catch {
    throw new BrokenRecord("holds what JSON cannot say, or is nested too deeply");
  }
  if (!Buffer.from(objectOf(members)).equals(line)) throw new BrokenRecord("is not in canonical form (RFC 8785)");
  return members;
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

/** RFC 8785 text of each member, by name. */
function membersOf(record: object): Map<string, string> {
  const given = Object.entries(record).filter(([, value]) => value !== undefined);
  return new Map(given.map(([name, value]) => [name, canonicalJson(value)]));
}

/** RFC 8785 form of an object. Both forms of a record, with and without signature, come from the same members. */
function objectOf(members: ReadonlyMap<string, string>): string {
  // The default order compares UTF-16 code units, which is what section 3.2.3 asks for.
  const names = [...members.keys()].sort();
  return `{${names.map((name) => `${canonicalJson(name)}:${members.get(name)}`).join(",")}}`;
}
