import type { VerifyKey } from "../keys/keys.js";
import { ChainCheck } from "./chain_check.js";
import { openFiles } from "./file_source.js";
import type { RecordSource } from "./source.js";
import { StatedHeads } from "./stated_heads.js";
import type { AuditReport, VerifyOptions } from "./verify_report.js";

export { type AuditProblem, type AuditReport, formatAuditProblem, type VerifyOptions } from "./verify_report.js";

/**
 * Checks audit records with nothing but what a place holds and the keys (docs/audit-format.md says what, and in which order).
 * Reads segments as streams, and statements of heads first: chains that grow meanwhile have what was stated. Rejects with the
 * system's error when something cannot be read.
 *
 * Records that were cut off after the newest statement cannot be missed.
 */
export async function verifyAudit(
  source: RecordSource,
  keys: readonly VerifyKey[],
  options: VerifyOptions = {},
): Promise<AuditReport> {
  const stated = new StatedHeads(keys, options.dueMs);
  for await (const statement of source.heads()) stated.add(statement, "here");
  if (options.heads) for await (const statement of options.heads.heads()) stated.add(statement, "elsewhere");

  const report: AuditReport = { writers: [], statements: stated.statements, problems: [] };
  const chains = await source.chains();
  for (const chain of chains) {
    if (chain.segments.length === 0) {
      report.problems.push({ file: chain.place, line: 0, message: "holds no audit records" });
    }
    const heads = stated.of(chain.writer);
    if (chain.segments.length === 0 && heads === undefined) continue;
    const check = new ChainCheck(chain, keys, heads, options);
    report.writers.push(await check.run());
    report.problems.push(...check.problems);
  }
  stated.finish(new Set(chains.map(({ writer }) => writer)), source.partial ?? false);
  report.problems.push(...stated.problems);
  for (const { place, message } of [...source.problems(), ...(options.heads?.problems() ?? [])]) {
    report.problems.push({ file: place, line: 0, message });
  }
  return report;
}

/** `verifyAudit` of audit directories, writers' folders or single segments on disk. */
export async function verifyFiles(
  paths: readonly string[],
  keys: readonly VerifyKey[],
  options: VerifyOptions = {},
): Promise<AuditReport> {
  return verifyAudit(await openFiles(paths), keys, options);
}
