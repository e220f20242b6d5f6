import { rm, stat } from "node:fs/promises";
import type { DecisionRecord, RecordDraft } from "../../src/audit/record.js";
import { recordFilesIn } from "../../src/audit/segments.js";
import { openWriter } from "../../src/audit/writer.js";
import type { Json } from "../../src/call.js";
import { type DecideParts, decide } from "../../src/decide/index.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { evaluate } from "../../src/evaluate/index.js";
import { compilePolicySet, type PolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { createMasker, decisionRecord } from "../../src/record/index.js";
import { createRegoPool, type RegoPool } from "../../src/rego/pool.js";
import type { Mode } from "../../src/verdict.js";
import { attestedSession, identity, session, call as someCall } from "../approvals/fixture.js";
import { ed25519 } from "./samples.js";

export const program = loadProgram();

/** One call, as far as it differs from the one of the fixture. */
export interface Asked {
  agent?: string;
  tool?: string | null;
  action?: string | null;
  environment?: string | null;
  images?: string[];
  params?: { [name: string]: Json };
  headers?: [name: string, value: string][];
  query?: [name: string, value: string][];
  /** An approval that it brings. */
  approval?: string;
  /** What the store says of limits, when not "ok". */
  limits?: Partial<(DecideParts["settlement"] & { value: object })["value"]>;
  dryRun?: boolean;
}

/** Policies by file name, as values or as text. */
export function policiesOf(files: Record<string, unknown>, mode: Mode = "enforce"): Promise<PolicySet> {
  const texts = Object.entries(files).map(([file, content]) => ({
    file,
    text: typeof content === "string" ? content : JSON.stringify(content),
  }));
  return compilePolicySet(texts, program, mode);
}

const pools: RegoPool[] = [];
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

const startMs = Date.parse("2026-03-01T12:00:00Z");

/** Judges and records calls as the server does, one second apart; nothing but the store's answer is made up. */
export async function recorder(files: Record<string, unknown>): Promise<(asked: Asked) => Promise<DecisionRecord>> {
  const policies = await policiesOf(files);
  const rego = createRegoPool({ workers: policies.rego === null ? 0 : 1, maxWaitMs: 60_000 });
  pools.push(rego);
  const engine = createEngine(program);
  let count = 0;
  return async (asked) => {
    count += 1;
    const decisionId = `decision-${count}`;
    const nowMs = startMs + count * 1_000;
    const who = identity(asked.agent ?? "deploy-manager");
    const { tool = "deploy-api", action = "deploy", environment = "staging", images = [], params = {} } = asked;
    const pairs = (given: Asked["query"] = []) => given.map(([name, value]) => ({ raw: name, name, value }));
    const http = { ...someCall.http, query: pairs(asked.query), headers: pairs(asked.headers) };
    const call = { ...someCall, tool, action, environment, images, params, http };
    const override = asked.approval === undefined ? null : { approvalId: asked.approval, token: "t" };
    const evaluation = await evaluate({
      identity: who,
      call,
      session,
      observed: null,
      override,
      policies,
      engine,
      rego,
      nowMs,
    });
    const { document } = policies.documentOf(who.agent.id);
    const outcome = decide({
      evaluation: { value: evaluation },
      settlement: {
        value: {
          enforced: { outcome: "ok" },
          shadow: { outcome: "ok" },
          ...(evaluation.enforced.verdict === "approval_needed" && { opened: { id: "apr_1", expiresAtMs: nowMs } }),
          ...(asked.approval !== undefined && { redeemed: { id: asked.approval } }),
          ...asked.limits,
        },
      },
      tool,
      limits: document.limits,
      mode: document.mode,
      failureMode: document.failure_mode,
      dryRun: asked.dryRun ?? false,
    });
    return decisionRecord({
      decisionId,
      nowMs,
      latencyUs: 812,
      traceId: null,
      request: null,
      identity: who,
      call,
      session: attestedSession,
      anomalies: null,
      proven: null,
      fingerprint: null,
      evaluation,
      redeemed: null,
      mask: createMasker({ call, evaluation }),
      ...outcome,
    });
  };
}

/** A call that was refused before the policies were asked. */
export function refusedBefore(reason: string, timestamp = "2026-03-01T12:30:00.000Z"): DecisionRecord {
  return decisionRecord({
    decisionId: `refused-${reason}`,
    nowMs: Date.parse(timestamp),
    latencyUs: 1,
    traceId: null,
    request: null,
    identity: null,
    call: null,
    session: null,
    anomalies: null,
    proven: null,
    fingerprint: null,
    evaluation: null,
    redeemed: null,
    computed: { verdict: "deny", reason, violations: [] },
    enforced: { verdict: "deny" },
    mode: "enforce",
    mask: createMasker({}),
  });
}

/** Writes records into an audit directory as the server does, and leaves the newest segment as one that still runs. */
export async function write(dir: string, drafts: readonly RecordDraft[], maxSegmentBytes?: number): Promise<void> {
  const limit = maxSegmentBytes === undefined ? {} : { maxSegmentBytes };
  const writer = await openWriter({ dir, worker: 1, key: ed25519, durability: "write", ...limit });
  // One by one, so that the limit holds of each: what is written together stands in one segment.
  for (const draft of drafts) await writer.append(draft);
  await writer.close();
  for (const file of await recordFilesIn(writer.folder)) if ((await stat(file)).size === 0) await rm(file);
}
