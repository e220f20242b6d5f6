import { z } from "zod";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { BrokenRecord, readSignedLine, signedLine } from "./signed.js";

/** How far a chain had come. */
export interface ChainHead {
  writer: string;
  /** `seq` of its newest record, from 1. */
  seq: number;
  /** `linkTo` that record's line: what the next record's `prev` would be. */
  link: string;
}

/**
 * How far chains had come at a time, signed. Kept where whoever cuts a chain does not reach, it shows that the end of a chain or
 * a whole writer is missing.
 */
export interface HeadsStatement {
  kind: "heads";
  /** RFC 3339 in UTC. */
  timestamp: string;
  /** Who states it. */
  writer: string;
  /** Its own chain and the others in its directory, by name; chains without records are not among them. */
  heads: ChainHead[];
}

/** Follows the writer's name in the file that holds the newest statement, beside the writer's folder. */
export const headsSuffix = ".heads";

/** Largest line of a statement in bytes. */
export const maxHeadsBytes = 1024 * 1024;

/** The statement as one signed line without its newline, in the form and with the signature of a record. */
export function sealHeads(statement: HeadsStatement, key: SigningKey): string {
  return signedLine(statement, key).toString();
}

/** Reads a statement (without its newline). Throws `BrokenRecord` when it is none or no key signed it. */
export function readHeads(line: Uint8Array, keys: readonly VerifyKey[]): HeadsStatement {
  const read = form.safeParse(readSignedLine(line, keys));
  if (!read.success) throw new BrokenRecord("is no statement of heads");
  return read.data;
}

const form = z.looseObject({
  kind: z.literal("heads"),
  timestamp: z.iso.datetime(),
  writer: z.string(),
  heads: z.array(z.strictObject({ writer: z.string(), seq: z.int().min(1), link: z.string() })),
});
