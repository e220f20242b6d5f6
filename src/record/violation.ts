import { bounded } from "../bounded.js";
import type { Json } from "../call.js";
import { mapTexts } from "../dlp/texts.js";
import type { Masker } from "./mask.js";

type JsonObject = { [name: string]: Json };

/** What the policy program answered, without what policies set and with long values by their hash only. */
export function maskResult(result: Json, mask: Masker): Json {
  const { decision, enforced } = result as { [view: string]: JsonObject };
  const shown = { decision: maskView(decision as JsonObject, mask), enforced: maskView(enforced as JsonObject, mask) };
  if (shown.decision === decision && shown.enforced === enforced) return result;
  return { ...(result as JsonObject), ...shown };
}

/** Most say nothing that is masked, and are not copied. */
function maskView(view: JsonObject, mask: Masker): JsonObject {
  const { violations, asked, redact, sanitize } = view;
  const isBare = isEmpty(violations) && isEmpty(asked) && isEmpty(redact) && isEmpty(sanitize);
  return isBare ? view : maskLists(view, mask);
}

function maskLists(view: JsonObject, mask: Masker): JsonObject {
  const list = (name: string) => (Array.isArray(view[name]) ? view[name] : []) as JsonObject[];
  const violations = (name: string) => list(name).map((violation) => maskViolation(violation, mask));
  return {
    ...view,
    violations: violations("violations"),
    asked: violations("asked"),
    redact: mask.value(list("redact")),
    sanitize: list("sanitize").map(withoutSetValues),
  };
}

function isEmpty(list: Json | undefined): boolean {
  return Array.isArray(list) && list.length === 0;
}

/** A copy of one violation, with what the call asked for as the rest of the record shows it, in the sentence too. */
export function maskViolation(violation: JsonObject, mask: Masker): JsonObject {
  const { param, message } = violation;
  const hasActual = Object.hasOwn(violation, "actual");
  const actual = violation.actual ?? null;
  const shown = hasActual ? maskActual(actual, param, mask) : null;
  return {
    ...violation,
    ...(Array.isArray(violation.spelled) && { spelled: mask.value(violation.spelled) }),
    ...(hasActual && { actual: shown }),
    ...(typeof message === "string" && { message: maskMessage(message, { actual, shown }, mask, violation.rule) }),
  };
}

function maskActual(actual: Json, param: Json | undefined, mask: Masker): Json {
  if (isOmitted(actual)) return actual;
  // A parameter's value is masked by the parameter's name; the name itself is the policy's.
  const shown = typeof param === "string" ? Object.values(mask.params({ [param]: actual }))[0] : mask.value(actual);
  return bounded(mapTexts(shown ?? null, "", ({ text }) => mask.quoted(text))) as Json;
}

/** Where a sentence quotes a part of a long value, nobody can tell what that is a part of. */
const quotesPart = /\.\.\. \(\d+ characters\)/;

function maskMessage(
  message: string,
  { actual, shown }: { actual: Json; shown: Json },
  mask: Masker,
  rule: Json = "",
): string {
  if (isOmitted(actual) && quotesPart.test(message)) return `rule ${rule} is broken`;
  const [quoted, instead] = [inSentence(actual), inSentence(shown)];
  return mask.quoted(quoted === instead ? message : message.replaceAll(quoted, () => instead));
}

/** A value as sentences quote it: members of a list in one line, and of a long text the beginning. */
function inSentence(value: Json): string {
  const line = Array.isArray(value) ? value.map(String).join(", ") : value;
  const text = typeof line === "string" ? line : JSON.stringify(line);
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}

function isOmitted(value: Json): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && value.omitted === true;
}

/** What is set may be the tool's own credential. */
function withoutSetValues(change: JsonObject): Json {
  return Object.fromEntries(
    Object.entries(change).map(([place, changes]) => {
      if (typeof changes !== "object" || changes === null || Array.isArray(changes)) return [place, changes];
      const { set = {}, ...rest } = changes;
      const names = Object.keys(set as JsonObject);
      return [place, { ...rest, set: Object.fromEntries(names.map((name) => [name, "[set]"])) }];
    }),
  );
}
