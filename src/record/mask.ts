import { bounded } from "../bounded.js";
import type { Json } from "../call.js";

type JsonObject = { [name: string]: Json };

/** Names that a policy takes out of calls. */
export interface Removed {
  headers: ReadonlySet<string>;
  query: ReadonlySet<string>;
}

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
/** What proves something wherever it stands: our own keys and tokens, and JWTs (RFC 7519). */
const secretValue = /\bcs[kt]_[\w-]{16,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;

/** True when what stands under this name has no place in a record that many may read and nobody can change. */
export function isSecret(name: string, value: Json): boolean {
  if (value === null || typeof value === "boolean") return false;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[^A-Za-z0-9]+/g, "_");
  return (typeof value === "number" ? secretNumber : secretName).test(words);
}

/**
 * A copy of the input document for the record, with secrets replaced by typed placeholders: whatever stands under a
 * secret's name in parameters, headers or query, whatever the policies take out of calls, and tokens anywhere.
 */
export function maskInput(input: JsonObject, removed: Removed): JsonObject {
  const http = input.http as JsonObject;
  return {
    ...input,
    params: mask(input.params ?? {}, removed.query),
    http: {
      ...http,
      path: mask(http.path ?? ""),
      headers: mask(http.headers ?? {}, removed.headers),
      query: mask(http.query ?? {}, removed.query),
    },
  };
}

/** What detectors found in a call, as far as a record is concerned with it. */
export interface Found {
  /** A copy of names with their values, what was found replaced. */
  masked(members: JsonObject): JsonObject;
}

/** A copy of the input document in which what detectors found is replaced by typed placeholders, as `[email]`. */
export function maskFound(input: JsonObject, found: Found | null): JsonObject {
  if (found === null) return input;
  const http = input.http as JsonObject;
  // Headers and query parameters are masked as parameters are, names included.
  const masked = (members: Json | undefined): JsonObject => found.masked((members ?? {}) as JsonObject);
  return {
    ...input,
    params: masked(input.params),
    http: {
      ...http,
      path: maskPath(String(http.path ?? ""), found),
      headers: masked(http.headers),
      query: masked(http.query),
    },
  };
}

/** Path variables may be parameters, so what is hidden there is hidden in the path too. */
export function maskPath(path: string, found: Found | null): string {
  return found === null ? path : String(found.masked({ path }).path);
}

/** A copy of a violation in which what detectors found in the parameter's value is replaced. */
export function maskFoundIn(violation: JsonObject, found: Found | null): JsonObject {
  const { param, actual } = violation;
  if (found === null || typeof param !== "string" || actual === undefined) return violation;
  return { ...violation, actual: found.masked({ [param]: actual })[param] ?? null };
}

/** A copy of what the policy program answered, without what policies set and with long values by their hash only. */
export function maskResult(result: Json, found: Found | null): Json {
  const { decision, enforced, ...rest } = result as JsonObject;
  return {
    ...rest,
    decision: maskView(decision as JsonObject, found),
    enforced: maskView(enforced as JsonObject, found),
  };
}

function maskView(view: JsonObject, found: Found | null): Json {
  const { violations, sanitize } = view;
  return {
    ...view,
    violations: Array.isArray(violations)
      ? violations.map((violation) => maskViolation(violation as JsonObject, found))
      : [],
    sanitize: Array.isArray(sanitize) ? sanitize.map((change) => withoutSetValues(change as JsonObject)) : [],
  };
}

/** A copy of one violation, as `maskInput` would show the parameter it names. */
export function maskViolation(violation: JsonObject, found: Found | null): JsonObject {
  if (!Object.hasOwn(violation, "actual")) return violation;
  const { param, actual = null } = maskFoundIn(violation, found);
  const secret = typeof param === "string" && isSecret(param, actual);
  const shown = secret ? "[secret]" : mask(bounded(actual) as Json);
  return { ...violation, actual: shown, ...maskedMessage(violation, shown) };
}

/** The sentence about a number that is out of bounds repeats the number. */
function maskedMessage({ message, actual }: JsonObject, shown: Json): { message?: string } {
  if (typeof message !== "string" || typeof actual !== "number" || typeof shown !== "string") return {};
  return { message: message.replaceAll(String(actual), shown) };
}

/** What is set may be the tool's own credential. */
function withoutSetValues(change: JsonObject): Json {
  return Object.fromEntries(
    Object.entries(change).map(([place, changes]) => {
      const { set = {}, ...rest } = changes as JsonObject;
      return [
        place,
        { ...rest, set: Object.fromEntries(Object.keys(set as JsonObject).map((name) => [name, "[set]"])) },
      ];
    }),
  );
}

function mask(value: Json, removed: ReadonlySet<string> = none): Json {
  if (typeof value === "string") return value.replaceAll(secretValue, "[token]");
  if (Array.isArray(value)) return value.map((member) => mask(member));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (removed.has(name)) return [name, "[removed]"];
      if (isSecret(name, member)) return [name, "[secret]"];
      return [name, mask(member)];
    }),
  );
}

const none: ReadonlySet<string> = new Set();
