import type { Json } from "../call.js";
import type { Struct, Value } from "./messages.js";

/** The protobuf form of a JSON object. Throws a `TypeError` on numbers that JSON does not have. */
export function toStruct(object: Readonly<Record<string, Json>>): Struct {
  return { fields: Object.fromEntries(Object.entries(object).map(([name, value]) => [name, toValue(value)])) };
}

function toValue(json: Json): Value {
  if (json === null) return textValue(json);
  if (Array.isArray(json)) return { listValue: { values: json.map(toValue) } };
  switch (typeof json) {
    case "boolean":
      return { boolValue: json };
    case "string":
      return textValue(json);
    case "number":
      if (!Number.isFinite(json)) throw new TypeError(`${json} has no JSON form`);
      return { numberValue: json };
    case "object":
      return { structValue: toStruct(json) };
    default:
      return json satisfies never;
  }
}

/** The protobuf form of a text that may be missing. */
export function textValue(text: string | null): Value {
  return text === null ? { nullValue: "NULL_VALUE" } : { stringValue: text };
}
