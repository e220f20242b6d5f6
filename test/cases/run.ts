import { ApprovalError } from "../../src/approvals/error.js";
import { verifyFiles } from "../../src/audit/verify.js";
import type { Json } from "../../src/call.js";
import type { AuditLine } from "../harness/records.js";
import { type AgentRequest, atTheTool, type Told } from "../pipeline/envoy.js";
import { keys, startWorld, type World, type WorldOptions } from "../pipeline/world.js";
import type { AnswerCase, CallCase, Case, Step, Want } from "./format.js";
import { ms, requestOf } from "./request.js";

/** An approval that calls of the case have opened. */
interface Opened {
  id: string;
  agent: string;
  session: string;
  /** As the requesting agent read it once it was approved. */
  token: string | null;
}

/** Headers of ours that reach the tool; everything else of that name is the agent's and must not. */
const ownHeaders = ["x-countersign-decision", "x-countersign-decision-id", "x-countersign-policy-version"];

/** Runs one case from a fresh state and fails on the first thing that is not as wanted. */
export async function runCase({ files, steps, time }: Case, options: Pick<WorldOptions, "wrap"> = {}): Promise<void> {
  const world = await startWorld(files, { ...options, ...(time !== undefined && { time }) });
  try {
    const run = new Run(world);
    for (const step of steps) await run.step(step);
    const { problems, writers } = await verifyFiles([world.dir], [keys.audit]);
    expect(problems).toEqual([]);
    expect(writers[0]?.records).toBe((await world.records()).length);
  } finally {
    await world.close();
  }
}

class Run {
  readonly #world: World;
  readonly #approvals = new Map<string, Opened>();
  #calls = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async step({ after, files, answer, revoke, call, want, times = 1 }: Step): Promise<void> {
    if (after !== undefined) this.#world.nowMs += ms(after);
    if (files !== undefined) await this.#world.use(files);
    if (answer !== undefined) await this.#answer(answer);
    if (revoke !== undefined) await this.#revoke(revoke);
    if (call === undefined || want === undefined) return;
    for (let time = 1; time <= times; time++) await this.#call(call, want);
  }

  async #call(call: CallCase, want: Want): Promise<void> {
    this.#calls += 1;
    const override = call.override === undefined ? null : this.#tokenOf(call.override);
    const request = await requestOf(call, { id: `stream-${this.#calls}`, nowMs: this.#world.nowMs, override });
    const before = (await this.#world.records()).length;
    const told = await this.#world.ask(request);
    const [record, ...others] = (await this.#world.records()).slice(before);
    expect(others).toEqual([]);
    if (record === undefined) throw new Error("the decision left no record");

    checkDecision(told, record, want);
    if (told.ok === null) checkDenial(told, record, want);
    else checkPassed(request, told, record, want);
    this.#checkApproval(told, record, want);
  }

  async #revoke(jti: string): Promise<void> {
    await this.#world.agents.shared.revoke({ jti, expiresAtMs: this.#world.nowMs + 3_600_000 });
  }

  #tokenOf(label: string): string {
    const token = this.#approvals.get(label)?.token;
    if (!token) throw new Error(`approval ${label} has no override token`);
    return token;
  }

  #checkApproval({ body }: Told, record: AuditLine, want: Want): void {
    const approval =
      body === "" ? undefined : (JSON.parse(body) as { approval?: { id: string; status_url: string } }).approval;
    expect(want.approval !== undefined).toBe(approval !== undefined);
    if (approval === undefined || want.approval === undefined) return;
    const { id, status_url } = approval;
    expect(id).toMatch(/^apr_[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(new URL(status_url).pathname).toBe(`/v1/approvals/${id}`);
    expect(record.approval_id).toBe(id);
    const known = this.#approvals.get(want.approval);
    if (known) {
      expect(id).toBe(known.id);
      return;
    }
    expect([...this.#approvals.values()].map((opened) => opened.id)).not.toContain(id);
    const [agent, session] = [String(record.agent_id), String(record.session_id)];
    this.#approvals.set(want.approval, { id, agent, session, token: null });
  }

  async #answer({ approval: label, by, decision, status = 200, state }: AnswerCase): Promise<void> {
    const opened = this.#approvals.get(label);
    const person = this.#world.workspace.registry.person(by);
    if (!opened || !person) throw new Error(`no approval ${label}, or nobody called ${by}`);
    const { approvals } = this.#world;
    const result = await approvals.answer(opened.id, person, { decision }).then(
      (view) => ({ status: 200, state: view.status }),
      (error: unknown) => {
        if (error instanceof ApprovalError) return { status: error.status, state: undefined };
        throw error;
      },
    );
    expect(result).toEqual({ status, state: status === 200 ? (state ?? settled[decision]) : undefined });
    const viewer = { kind: "agent", agent: opened.agent, session: opened.session } as const;
    const view = await approvals.show(opened.id, viewer);
    const token = view?.override_token;
    expect(token !== undefined).toBe(view?.status === "approved");
    opened.token = token ?? opened.token;
  }
}

const settled = { approve: "approved", deny: "denied" } as const;

/** What holds for every answer: told, recorded and wanted are the same. */
function checkDecision(told: Told, record: AuditLine, want: Want): void {
  const decided = {
    decision: want.decision ?? want.verdict,
    enforced: want.verdict,
    mode: want.mode ?? "enforce",
    reason: want.reason,
  };
  expect({ status: told.status, ...pick(record, Object.keys(decided)) }).toEqual({ status: want.status, ...decided });
  const { agent_id, tool, action, decision_id } = record;
  expect(told.metadata).toEqual({
    ...decided,
    agent_id,
    tool,
    action,
    decision_id,
    policy_version: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  });
  expect(record).toMatchObject({ kind: "decision", ...want.record });
  if (want.violations !== undefined) {
    expect(record.violations).toHaveLength(want.violations.length);
    expect(record.violations).toMatchObject(want.violations);
  }
}

function checkDenial(told: Told, record: AuditLine, want: Want): void {
  const payload = JSON.parse(told.body) as Record<string, Json>;
  expect(told.headers).toMatchObject({ "content-type": "application/problem+json", "cache-control": "no-store" });
  expect(told.grpcStatus).toBe(told.status === 401 ? 16 : 7);
  expect(payload).toMatchObject({
    type: `urn:countersign:${payload.error}`,
    status: want.status,
    decision: want.verdict,
    reason: want.told ?? want.reason,
    ...pick(record, ["decision_id", "agent_id", "tool", "action"]),
    ...pick(told.metadata, ["policy_version"]),
    ...(want.error && { error: want.error }),
    ...(want.detail && { detail: want.detail }),
  });
  if (want.told === undefined && want.mode !== "shadow") expect(payload.violations).toEqual(record.violations);
  for (const [name, value] of Object.entries(want.headers ?? {}))
    expect([name, told.headers[name] ?? null]).toEqual([name, value]);
  expect(want.tool_sees).toBeUndefined();
}

function checkPassed(request: AgentRequest, told: Told, record: AuditLine, want: Want): void {
  if (told.ok === null) throw new Error("not passed");
  const { headers, query } = atTheTool(request, told.ok);
  const ours = [...headers].filter(([name]) => name.startsWith("x-countersign-")).sort();
  expect(ours).toEqual([
    [ownHeaders[0], [want.verdict]],
    [ownHeaders[1], [record.decision_id]],
    [ownHeaders[2], [told.metadata.policy_version]],
  ]);
  for (const [name, value] of Object.entries(want.tool_sees?.headers ?? {})) {
    expect([name, headers.get(name) ?? null]).toEqual([name, value === null ? null : [value]]);
  }
  for (const [name, value] of Object.entries(want.tool_sees?.query ?? {})) {
    expect([name, query.get(name) ?? null]).toEqual([name, value]);
  }
  expect(want.headers).toBeUndefined();
}

function pick(from: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}
