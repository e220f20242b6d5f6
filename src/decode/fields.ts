import type { Json } from "../call.js";
import { Refusal } from "../refusal.js";
import { type Offered, resolve, type Template } from "./template.js";
import type { FieldName, Tool } from "./tool.js";

/** Longest name, id and image reference, in characters. They are shown, recorded and compared whole. */
const longest = { name: 256, image: 512 } as const;
/** No control, format or separator characters, no blanks at the ends: what is judged is what people see. */
const oneLine = /^(?! )[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+(?<! )$/u;

type Params = Readonly<Record<string, Json>>;

/** The fields of a call that stand beside its parameters. */
export interface Fields {
  images: string[];
  service: string | null;
  image_tag: string | null;
  deployment_id: string | null;
  amount: number | null;
}

/** Reads them as the catalogue says. Throws `malformed_parameter` for a field of another type than it must have. */
export function readFields(tool: Tool, offered: Offered, params: Params): Fields {
  const values = (name: FieldName): Json[] => {
    const rule = tool.fields[name];
    if (rule === "none") return [];
    const found = rule === "parameter" ? [ownMember(params, name)] : rule.map((template) => resolve(template, offered));
    return found.filter((value) => value !== undefined && value !== null);
  };
  return {
    images: values("image").flatMap((value) => (Array.isArray(value) ? value : [value]).map(readImage)),
    service: readId("service", values("service")[0]),
    image_tag: readId("image_tag", values("image_tag")[0]),
    deployment_id: readId("deployment_id", values("deployment_id")[0]),
    amount: readAmount(values("amount")[0]),
  };
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
  return Object.hasOwn(params, name) ? params[name] : undefined;
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
