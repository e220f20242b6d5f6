import { parse } from "yaml";
import { z } from "zod";
import { configSchema } from "./schema.js";

/** One key of the configuration that an environment variable can set. */
export interface Variable {
  name: string;
  path: string[];
}

/** Variables of the same prefix that are not keys of the configuration. */
const others = new Set(["COUNTERSIGN_CONFIG"]);

/** Every leaf key as a variable: `listen.grpc` is `COUNTERSIGN_LISTEN_GRPC`. */
export function variables(): Variable[] {
  return leaves(configSchema, []).map((path) => ({ name: `COUNTERSIGN_${path.join("_").toUpperCase()}`, path }));
}

/**
 * Puts `COUNTERSIGN_*` over a raw configuration. Values are read as YAML, so `true` and `5` are no strings.
 * Returns the variables that were used; a variable that names no key is an error, since a slip in it would go unseen.
 */
export function overlay(raw: unknown, environment: NodeJS.ProcessEnv): { raw: unknown; used: Variable[] } {
  const known = new Map(variables().map((variable) => [variable.name, variable]));
  const used: Variable[] = [];
  let result = raw;
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("COUNTERSIGN_") || others.has(name) || text === undefined) continue;
    const variable = known.get(name);
    if (!variable) throw new UnknownVariable(name);
    result = withValue(result, variable.path, scalar(text));
    used.push(variable);
  }
  return { raw: result, used };
}

/** A variable that sets nothing. */
export class UnknownVariable extends Error {
  constructor(name: string) {
    super(`the environment variable ${name} names no key of the configuration; see docs/configuration.md`);
    this.name = "UnknownVariable";
  }
}

function scalar(text: string): unknown {
  const value: unknown = parse(text);
  return typeof value === "object" && value !== null ? value : typeof value === "string" ? text : value;
}

function withValue(raw: unknown, path: readonly string[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const base = typeof raw === "object" && raw !== null && !Array.isArray(raw) ? (raw as Record<string, unknown>) : {};
  return { ...base, [step]: withValue(base[step], rest, value) };
}

function leaves(schema: z.core.$ZodType, path: string[]): string[][] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [path];
  return Object.entries(inner.shape as Record<string, z.core.$ZodType>).flatMap(([key, value]) =>
    leaves(value, [...path, key]),
  );
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap());
  }
  return schema;
}
