import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RecordDraft } from "../../src/audit/record.js";
import { segmentFor } from "../../src/audit/segments.js";
import { canonicalJson } from "../../src/canonical.js";
import { decisionDraft, policyDraft } from "../audit/samples.js";

/** A record as a line, of which nobody checks the signature. */
export function lineOf(draft: RecordDraft, seq: number, writer: string): string {
  return canonicalJson({ ...draft, seq, writer, prev: null, signature: { alg: "EdDSA", kid: "k", value: "v" } });
}

/** A decision that differs from others in these members. */
export function decision(more: object = {}): RecordDraft {
  return { ...decisionDraft({ params: {} }), ...more };
}

export { policyDraft };

/** Writes a chain in segments of so many records and gives its lines, the oldest first. */
export async function writeChain(
  dir: string,
  writer: string,
  drafts: readonly RecordDraft[],
  perSegment = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const lines = drafts.map((draft, i) => lineOf(draft, i + 1, writer));
  await mkdir(join(dir, writer), { recursive: true });
  for (let first = 0; first === 0 || first < lines.length; first += perSegment) {
    const here = lines.slice(first, first + perSegment);
    await writeFile(join(dir, writer, segmentFor(first + 1)), here.map((line) => `${line}\n`).join(""));
  }
  return lines;
}

export const writers = ["w1-01J9ZQ3V6C5R8N2K4M7P0T1S6X", "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6Y"] as const;
