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
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[^A-Za-z0-9]+/g, "_");
  return (typeof value === "number" ? secretNumber : secretName).test(words);
}

/** A text with every token in it replaced by `[token]`: what proves something wherever it stands. */
export function withoutTokens(text: string): string {
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
  if (removed.has(name)) return "[removed]";
  return isSecret(name, value) ? "[secret]" : null;
}

/** A copy of names with their values without what stands under a secret's name at any depth, or under a removed one. */
export function withoutSecrets(
  members: Readonly<Record<string, Json>>,
  removed: ReadonlySet<string>,
): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, hiddenBy(name, value, removed) ?? deeper(value)]),
  );
}

function deeper(value: Json): Json {
  if (Array.isArray(value)) return value.map(deeper);
  return typeof value === "object" && value !== null ? withoutSecrets(value, none) : value;
}

const none: ReadonlySet<string> = new Set();
