import type { Call, Json } from "../../src/call.js";
import { mapMembers, mapTexts } from "../../src/dlp/texts.js";
import { percentDecode } from "../../src/percent.js";
import { copiesIn, withoutCopies } from "../../src/record/copies.js";
import type { Found, MaskParts } from "../../src/record/mask.js";

type Members = Readonly<Record<string, Json>>;
type Names = ReadonlySet<string>;

/** Masking in its plainest form: everything is looked at each time, nothing is remembered, and everything is copied. */
export function plainMasker({ call, evaluation }: MaskParts & { call: Call }) {
  const removed = evaluation?.removes ?? { headers: none, query: none };
  const scanned: Found | null = evaluation?.scanned ?? null;
  const found = scanned?.complete && scanned.hits.length === 0 ? null : scanned;
  const copies = found?.complete ? copiesIn(partsOf(call), (part) => found.masked(part)) : new Map<string, string>();
  const { inPath, inQuery } = secretsOf(call, removed.query);
  const text = (raw: string): string => plainWithoutTokens(found ? found.maskedText(raw) : raw);
  const quoted = (raw: string): string => text(withoutCopies(raw, copies));
  const tokenless = ({ text: raw }: { text: string }): string => plainWithoutTokens(raw);
  const members = (raw: Members, names: Names) =>
    mapMembers(plainWithoutSecrets(found ? found.masked(raw) : raw, names), tokenless);
  const segment = (raw: string): string => {
    const decoded = percentDecode(percentDecode(raw));
    const secret = inPath.get(decoded);
    if (secret !== undefined) return secret;
    const shown = text(withoutCopies(decoded, copies));
    return decoded === raw || shown === decoded ? raw : shown;
  };
  return {
    text,
    quoted,
    path: (path: string) => quoted(path.split("/").map(segment).join("/")),
    host: (host: string) => text(host.split(".").map(text).join(".")),
    value: (value: Json) =>
      mapTexts(found ? (Object.values(found.masked({ "": value }))[0] ?? null) : value, "", tokenless),
    params: (params: Members) => members(params, removed.query),
    query: (query: Members) => {
      const shown = Object.entries(query).map(([name, value]) => [
        name,
        typeof value === "string" || typeof value === "number" ? (inQuery.get(String(value)) ?? value) : value,
      ]);
      return members(Object.fromEntries(shown), removed.query);
    },
    headers: (headers: Members) => members(headers, removed.headers),
  };
}

function partsOf({ params, body, destination, http }: Call): Members[] {
  const lines = [...http.query, ...http.headers].map(({ name, value }) => ({ [name]: value }));
  return [params, body ?? {}, ...lines, { "": destination.host.split(".") }];
}

function secretsOf({ params, fromQuery, http }: Call, removed: Names) {
  const [inPath, inQuery] = [new Map<string, string>(), new Map<string, string>()];
  for (const [name, value] of Object.entries(params)) {
    if ((typeof value !== "string" && typeof value !== "number") || value === "") continue;
    const shown = hiddenBy(name, value, removed);
    if (shown === null) continue;
    if (!fromQuery.includes(name)) inPath.set(String(value), shown);
    else if (!http.query.some((one) => one.name === name)) inQuery.set(String(value), shown);
  }
  return { inPath, inQuery };
}

const codes = "otp|pin|cvv|cvc|passcode";
const keys = ["api", "access", "private", "secret", "signing", "encryption"].map((kind) => `${kind}_?keys?`).join("|");
const words = `passwords?|passwd\\d*|pwd|passphrase|secrets?|tokens?|jwt|credentials?|authorization|auth|cookies?`;
const secretName = new RegExp(`(^|_)(${words}|session_?ids?|sig|signature|${codes}|${keys})($|_)`, "i");
const secretNumber = new RegExp(`(^|_)(${codes})($|_)`, "i");

export function plainIsSecret(name: string, value: Json): boolean {
  if (value === null || typeof value === "boolean") return false;
  const spelled = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[^A-Za-z0-9]+/g, "_");
  return (typeof value === "number" ? secretNumber : secretName).test(spelled);
}

export function plainWithoutTokens(text: string): string {
  return text.replaceAll(/(?<![A-Za-z0-9])(?:cs[kt]_|eyJ)[\w.-]*/g, (run: string, start: number) => {
    const behind = text.slice(start + run.length);
    if (run.endsWith("...") && /^ \(\d{1,16} characters\)/.test(behind)) return "[token]...";
    const isJwt = run
      .split(".")
      .slice(0, -2)
      .some((part) => /(?<![A-Za-z0-9])eyJ[\w-]{8}/.test(part));
    return isJwt || /(?<![A-Za-z0-9])cs[kt]_[\w-]{16}/.test(run) ? "[token]" : run;
  });
}

function hiddenBy(name: string, value: Json, removed: Names): string | null {
  if (removed.has(name)) return "[removed]";
  return plainIsSecret(name, value) ? "[secret]" : null;
}

export function plainWithoutSecrets(members: Members, removed: Names): Record<string, Json> {
  const shown = Object.entries(members).map(([name, value]) => [name, hiddenBy(name, value, removed) ?? deeper(value)]);
  return Object.fromEntries(shown);
}

function deeper(value: Json): Json {
  if (Array.isArray(value)) return value.map(deeper);
  return typeof value === "object" && value !== null ? plainWithoutSecrets(value, none) : value;
}

const none: Names = new Set();
