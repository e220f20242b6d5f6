import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { detailOf } from "../bundle/error.js";
import { printable } from "../printable.js";
import { isMissing, makeFolder, writeWhole } from "./place.js";

const version = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const common = { at: z.iso.datetime(), by: z.string(), reason: z.string().nullable() };

const rollbackSchema = z.strictObject({
  event: z.literal("rolled_back"),
  version,
  /** What the policy files said at that time. It holds until they say something else. */
  instead_of: version,
  /** Hex SHA-256 of the policy program. Under another one the files have other versions although nobody changed them. */
  program: z.string().regex(/^[0-9a-f]{64}$/),
  ...common,
});

const askedSchema = z.discriminatedUnion("event", [
  rollbackSchema,
  z.strictObject({ event: z.literal("released"), ...common }),
]);

/** Policies that are to go back to an earlier version. */
export type Rollback = z.output<typeof rollbackSchema>;

/** What people last asked for: a roll-back, or its end. */
export type Asked = z.output<typeof askedSchema>;

/** What people last asked for; `null` for nothing, or when the policy files have ended it. Throws what cannot be read. */
export async function readAsked(dir: string): Promise<Asked | null> {
  const path = pathIn(dir);
  try {
    return askedSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (isMissing(error)) return null;
    throw new Error(`${path} cannot be read: ask again with \`countersign policy rollback\``, {
      // It quotes what stands in the file.
      cause: new Error(printable(String(detailOf(error, "message")))),
    });
  }
}

/** Writes what is asked for. Servers that share the folder follow at their next look. */
export async function writeAsked(dir: string, asked: Asked): Promise<void> {
  await makeFolder(dir);
  await writeWhole(pathIn(dir), `${JSON.stringify(asked)}\n`);
}

/** Removes a roll-back that the policy files have ended, unless something else was asked for since. */
export async function dropAsked(dir: string, ended: Rollback): Promise<void> {
  if (sameAsked(await readAsked(dir), ended)) await rm(pathIn(dir), { force: true });
}

export function sameAsked(a: Asked | null, b: Asked | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function pathIn(dir: string): string {
  return join(dir, "rollback.json");
}
