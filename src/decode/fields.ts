import type { Json } from "../call.js";
import { Refusal } from "../refusal.js";
import { type Offered, resolve, type Template } from "./template.js";
import type { FieldName, FieldRule, Tool } from "./tool.js";

/** Longest name, id and image reference, in characters. They are shown, recorded and compared whole. */
const longest = { name: 256, image: 512 } as const;
/** No control, format or separator characters, no blanks at the ends: what is judged is what people see. */
const oneLine = /^(?! )[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+(?<! )$/u;

const none: readonly string[] = Object.freeze([]);

type Params = Readonly<Record<string, Json>>;

/** The fields of a call that stand beside its parameters. */
export interface Fields {
  images: readonly string[];
  service: string | null;
  image_tag: string | null;
  deployment_id: string | null;
  amount: number | null;
}

/** Reads them as the catalogue says. Throws `malformed_parameter` for a field of another type than it must have. */
export function readFields(tool: Tool, offered: Offered, params: Params): Fields {
  const { fields } = tool;
  return {
    images: readImages(fields.image, offered, params),
    service: readId("service", first(fields.service, "service", offered, params)),
    image_tag: readId("image_tag", first(fields.image_tag, "image_tag", offered, params)),
    deployment_id: readId("deployment_id", first(fields.deployment_id, "deployment_id", offered, params)),
    amount: readAmount(first(fields.amount, "amount", offered, params)),
  };
}

function readImages(rule: FieldRule, offered: Offered, params: Params): readonly string[] {
  if (typeof rule === "string") return imagesOf(first(rule, "image", offered, params));
  return rule.map((template) => resolve(template, offered)).flatMap(imagesOf);
}

function imagesOf(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return none;
  return Array.isArray(value) ? value.map(readImage) : [readImage(value)];
}

/** The first value there is, without a list of them: most rules give one, and most calls have few of the fields. */
function first(rule: FieldRule, name: FieldName, offered: Offered, params: Params): Json | undefined {
  if (rule === "none") return undefined;
  if (rule === "parameter") return ownMember(params, name) ?? undefined;
  let found: Json | undefined;
  // To the last one, since each may be refused.
  for (const template of rule) {
    const value = resolve(template, offered);
    found ??= value;
  }
  return found ?? undefined;
}

/** The value of `action` or `environment`. Throws `reason` unless it is text and not empty. */
export function readName(
  template: Template,
  offered: Offered,
  reason: "missing_action" | "missing_environment",
): string {
  const value = resolve(template, offered);
  const field = reason.slice("missing_".length);
  if (typeof value !== "string" || value === "") throw new Refusal(reason, `the call does not say its ${field}`);
  return plain(value, field, longest.name);
}

function plain(text: string, field: string, most: number): string {
  if (text.length <= most && oneLine.test(text)) return text;
  throw new Refusal(
    "malformed_parameter",
    `${field} is longer than ${most} characters or holds ones that are not shown`,
  );
}

function ownMember(params: Params, name: string): Json | undefined {
  const value = params[name];
  return value !== undefined && Object.hasOwn(params, name) ? value : undefined;
}

function readImage(value: Json): string {
  if (typeof value === "string" && value !== "") return plain(value, "image", longest.image);
  throw new Refusal("malformed_parameter", "image is neither text nor a list of texts");
}

/** Whole numbers have one spelling, so systems that count their ids are served too. */
function readId(name: FieldName, value: Json | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && value !== "") return plain(value, name, longest.name);
  if (Number.isSafeInteger(value)) return String(value);
  throw new Refusal("malformed_parameter", `${name} is neither text nor a whole number`);
}

function readAmount(value: Json | undefined): number | null {
  if (value === undefined) return null;
  if (typeof value === "number") return value;
  throw new Refusal("malformed_parameter", "amount is not a number");
}
