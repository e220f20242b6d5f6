import { parse } from "yaml";
import { z } from "zod";
import { configSchema } from "./schema.js";

/** One key of the configuration that an environment variable can set. */
export interface Variable {
  name: string;
  path: string[];
  /** What the key takes. */
  schema: z.core.$ZodType;
}

/** Read by the command line: the configuration file, and the token for commands that ask a server. */
const commandLineVariables: ReadonlySet<string> = new Set(["COUNTERSIGN_CONFIG", "COUNTERSIGN_TOKEN"]);

/** Kubernetes sets these in every pod beside a Service whose name begins with `countersign`. */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Every leaf key as a variable: `listen.grpc` is `COUNTERSIGN_LISTEN_GRPC`. */
export function variables(): Variable[] {
  return leaves(configSchema, []).map((leaf) => ({
    name: `COUNTERSIGN_${leaf.path.join("_").toUpperCase()}`,
    ...leaf,
  }));
}

/**
 * Puts `COUNTERSIGN_*` over a raw configuration. A value is taken as it stands where its key takes such a text, and else
 * read as YAML, so that `true` and `5` are no texts. Returns the variables that were used; a variable that names no key
 * is an error, since a slip in it would go unseen.
 */
export function overlay(raw: unknown, environment: NodeJS.ProcessEnv): { raw: unknown; used: Variable[] } {
  const known = new Map(variables().map((variable) => [variable.name, variable]));
  const used: Variable[] = [];
  let result = raw;
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("COUNTERSIGN_") || commandLineVariables.has(name) || text === undefined) continue;
    const variable = known.get(name);
    if (!variable) {
      if (serviceLink.test(name)) continue;
      throw new UnknownVariable(name);
    }
    result = withValue(result, variable.path, readValue(text, variable.schema));
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

function readValue(text: string, schema: z.core.$ZodType): unknown {
  if (z.safeParse(schema, text).success) return text;
  try {
    return parse(text);
  } catch {
    // Not YAML either: the key's own message says what it takes.
    return text;
  }
}

function withValue(raw: unknown, path: readonly string[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  // What is no map in the file is a mistake of the file, and stays one.
  if (raw !== undefined && (typeof raw !== "object" || raw === null || Array.isArray(raw))) return raw;
  const base = (raw ?? {}) as Record<string, unknown>;
  return { ...base, [step]: withValue(base[step], rest, value) };
}

function leaves(schema: z.core.$ZodType, path: string[]): Omit<Variable, "name">[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [{ path, schema }];
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
