import type { Json } from "../call.js";

const secretCodes = ["otp", "pin", "cvv", "cvc", "passcode"];
const secretWords = [
  ...["passwords?", "passwd\\d*", "pwd", "passphrase", "secrets?", "tokens?", "jwt", ...secretCodes],
  ...["api_?keys?", "access_?keys?", "private_?keys?", "secret_?keys?", "signing_?keys?", "encryption_?keys?"],
  ...["credentials?", "authorization", "auth", "cookies?", "session_?ids?", "sig", "signature"],
];
/** Whole words between separators or changes of case: `accessKey` and `x-api-key`, not `keyboard` or `pinned`. */
const secretName = new RegExp(`(^|_)(${secretWords.join("|")})($|_)`, "i");
/** Secrets that are digits. Elsewhere a number is a size or a count, as in `max_tokens`. */
const secretNumber = new RegExp(`(^|_)(${secretCodes.join("|")})($|_)`, "i");

/** Where a token may begin, and all that may be part of one. Each run is read once, so that no text takes long. */
const tokenRun = /(?<![A-Za-z0-9])(?:cs[kt]_|eyJ)[\w.-]*/g;
/** Our own keys and tokens. */
const ownToken = /(?<![A-Za-z0-9])cs[kt]_[\w-]{16}/;
/** The header of a JWT (RFC 7519), of which at least two parts follow, four in an encrypted one (RFC 7516). */
const jwtHeader = /(?<![A-Za-z0-9])eyJ[\w-]{8}/;
/** How a sentence goes on behind a text that it has cut short. */
const cutShort = /^ \(\d{1,16} characters\)/;

/** True when what stands under this name has no place in a record that many may read and nobody can change. */
export function isSecret(name: string, value: Json): boolean {
  if (value === null || typeof value === "boolean") return false;
  const kind = kindOf(name);
  return typeof value === "number" ? kind.number : kind.text;
}

/** What may stand under a name: a secret text, a secret number. And whether it may hold a token itself. */
interface NameKind {
  text: boolean;
  number: boolean;
  mayHoldToken: boolean;
}

/** The same names come with every call; to look each of them through costs more than all else that masking does. */
const kinds = new Map<string, NameKind>();
const most = { names: 1_000, length: 64 };

function kindOf(name: string): NameKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[^A-Za-z0-9]+/g, "_");
  const kind = { text: secretName.test(words), number: secretNumber.test(words), mayHoldToken: mayHoldToken(name) };
  if (name.length > most.length) return kind;
  // Agents choose names too, and could fill the memory with theirs for good.
  if (kinds.size >= most.names) kinds.clear();
  kinds.set(name, kind);
  return kind;
}

const tokenStart = /cs[kt]_|eyJ/;

/** The shortest token: the header of a JWT, and two parts that are empty. */
const shortestToken = 13;

/** False for a text in which no token can be, which is soon seen and so for most. */
export function mayHoldToken(text: string): boolean {
  return text.length >= shortestToken && tokenStart.test(text);
}

/** `mayHoldToken` of the texts in a value, names included, at any depth. */
export function someMayHoldToken(value: Json): boolean {
  if (typeof value === "string") return mayHoldToken(value);
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(someMayHoldToken);
  // No list of the members is made to look at them: of each call all that it says is looked at.
  for (const name in value) {
    if (kindOf(name).mayHoldToken || someMayHoldToken(value[name] as Json)) return true;
  }
  return false;
}

/** A text with every token in it replaced by `[token]`: what proves something wherever it stands. */
export function withoutTokens(text: string): string {
  if (!mayHoldToken(text)) return text;
  return text.replaceAll(tokenRun, (run: string, start: number) => {
    if (run.endsWith("...") && cutShort.test(text.slice(start + run.length, start + run.length + 40)))
      return "[token]...";
    const isJwt = run
      .split(".")
      .slice(0, -2)
      .some((part) => jwtHeader.test(part));
    return isJwt || ownToken.test(run) ? "[token]" : run;
  });
}

/** The placeholder for what stands under a name that tells a secret or that policies take out; `null` for other names. */
export function hiddenBy(name: string, value: Json, removed: ReadonlySet<string>): "[removed]" | "[secret]" | null {
  if (removed.size > 0 && removed.has(name)) return "[removed]";
  return isSecret(name, value) ? "[secret]" : null;
}

/**
 * Names with their values without what stands under a secret's name at any depth, or under a removed one. Members of which
 * nothing is hidden are not copied.
 */
export function withoutSecrets(
  members: Readonly<Record<string, Json>>,
  removed: ReadonlySet<string>,
): Readonly<Record<string, Json>> {
  let shown: Record<string, Json> | null = null;
  for (const name in members) {
    const value = members[name] as Json;
    const instead = hiddenBy(name, value, removed) ?? deeper(value);
    if (instead === value) continue;
    // A copy has `__proto__` as a member of its own where there is one, and what is set then is that member.
    shown ??= { ...members };
    shown[name] = instead;
  }
  return shown ?? members;
}

function deeper(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return withoutSecrets(value, none) as Json;
  const shown = value.map(deeper);
  return shown.some((member, index) => member !== value[index]) ? shown : value;
}

const none: ReadonlySet<string> = new Set();
