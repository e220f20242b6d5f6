import { readFileSync } from "node:fs";

type Reviver = (key: string, value: unknown) => unknown;

/** A file of `test/vectors`. */
export function readVectors<T>(name: string, reviver?: Reviver): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"), reviver);
}

/** The cases of a file, with `{"base64": "..."}` read as bytes, and google.protobuf.Value as the loader names it. */
export function readWireCases<T extends WireCase>(name: string): T[] {
  return readVectors<{ cases: T[] }>(name, asLoaded).cases;
}

const asLoaded: Reviver = (key, value) => {
  if (key === "kind" && typeof value === "string") return camelCase(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if ("base64" in value) return Buffer.from(value.base64 as string, "base64");
  if (!Object.keys(value).some((name) => valueMember.test(name))) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [camelCase(name), member]));
};

const valueMember = /^(null|number|string|bool|struct|list)_value$/;

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export interface WireCase {
  name: string;
  /** Base64 of the encoded message. */
  bytes: string;
  decoded: object;
}
