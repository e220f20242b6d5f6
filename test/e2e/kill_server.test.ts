import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { letsThrough, type Verdict } from "../../src/verdict.js";
import { deploy } from "../demo/steps.js";
import type { EnvoyConfig } from "../harness/envoy.js";
import type { ToolRequest } from "../harness/example_tool.js";
import type { Answer } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { type RunningProcess, startProcess } from "../harness/process.js";
import { repository, tell } from "../harness/programs.js";
import { type AuditLine, everyRecord, writerFolder } from "../harness/records.js";
import { type CallRequest, type Stack, startStack } from "../harness/stack.js";
import { findParts } from "./suite.js";

const kills = 200;
/** So large a share of the kills comes while the server starts; the others come after it is ready, within so many milliseconds. */
const duringStart = 0.2;
const afterReadyMs = 300;
const callers = 8;
const seed = 20260107;

/** Calls that pass, are sanitized, are refused, or are let through in shadow; of none of them there is a limit. */
const mix: [agent: string, call: CallRequest][] = [
  ["deploy-manager", deploy("staging")],
  ["deploy-manager", { ...deploy("staging"), headers: { "x-debug-token": "d" } }],
  ["deploy-manager", deploy("staging", { replicas: 200 })],
  ["release-bot", deploy("production", { replicas: 9 })],
  ["deploy-manager", { host: "aws.internal", path: "/iam", form: "Action=CreateRole&RoleName=x" }],
];

/** Health checks that see within a moment that the server is back: a start is over sooner than the shipped ones look again. */
function watchClosely({ static_resources }: EnvoyConfig): void {
  const authorizer = static_resources.clusters.find(({ name }) => name === "countersign");
  const times = { timeout: "1s", interval: "0.1s", unhealthy_interval: "0.05s", no_traffic_interval: "0.1s" };
  for (const check of (authorizer?.health_checks ?? []) as object[]) Object.assign(check, times);
}

/** mulberry32: the same kills at every run, as far as the machine is the same. */
function randomOf(state: number): () => number {
  let s = state;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What callers saw. */
class Seen {
  sent = 0;
  passed = 0;
  unanswered = 0;
  /** Decisions that callers were told of in a refusal. */
  readonly refused = new Set<string>();

  add(answer: Answer | null): void {
    this.sent++;
    if (answer?.status === 200) this.passed++;
    else if (answer?.status === 403) this.refused.add((JSON.parse(answer.body) as { decision_id: string }).decision_id);
    else this.unanswered++;
  }

  counts() {
    const { sent, passed, unanswered, refused } = this;
    return { sent, passed, refused: refused.size, unanswered };
  }
}

describeWith(await findParts(), "a server that is killed again and again", (use) => {
  let stack: Stack;
  beforeAll(async () => {
    const { program, redis } = use();
    stack = await startStack({ store: redis.url, envoyProgram: program, editEnvoy: watchClosely });
  });
  afterAll(async () => {
    await stack?.stop();
    await use().redis.stop();
  });

  /** Starts it in vain: it is killed after so many milliseconds, whatever it is at. */
  async function killAtStart(ms: number): Promise<void> {
    const args = [join(repository, "dist", "cli.js"), "serve", "--config", stack.config];
    const starting = await startProcess({ name: "countersign", command: process.execPath, args });
    await sleep(ms);
    await kill(starting);
  }

  async function kill(server: RunningProcess): Promise<void> {
    server.signal("SIGKILL");
    expect((await server.ended).signal).toBe("SIGKILL");
  }

  async function callUntil(isOver: () => boolean, seen: Seen, first: number): Promise<void> {
    for (let i = first; !isOver(); i++) {
      const [agent, call] = mix[i % mix.length] ?? ["", { host: "", path: "" }];
      const answer = await stack.call(agent, call).catch(() => null);
      seen.add(answer);
      // Without the authorizer Envoy refuses at once.
      if (answer?.status !== 200 && answer?.status !== 403) await sleep(20);
    }
  }

  test(`kill -9, ${kills} times under load: every call that the tool received has its record, and the chain holds`, async () => {
    const random = randomOf(seed);
    const seen = new Seen();
    let isOver = false;
    await Promise.all(mix.map(([agent]) => stack.token(agent)));
    const load = Array.from({ length: callers }, (_, i) => callUntil(() => isOver, seen, i));
    let startMs = 1_000;
    for (let n = 1; n <= kills; n++) {
      if (n > 1 && random() < duringStart) await killAtStart(random() * startMs * 1.2);
      else {
        const begun = performance.now();
        if (n > 1) await stack.restartServer();
        if (n > 1) startMs = performance.now() - begun;
        await sleep(random() * afterReadyMs);
        await kill(stack.server);
      }
      if (n % 20 === 0) tell(`${n} kills, ${seen.sent} calls, ${stack.tool.requests.length} received by the tool`);
    }
    await stack.restartServer();
    isOver = true;
    await Promise.all(load);
    await stack.server.stop();

    const audit = join(stack.folder, "var", "audit");
    const records = await everyRecord(audit);
    const found = compare(stack.tool.requests, records, seen);
    const torn = (await readdir(await writerFolder(audit))).filter((name) => name.includes(".torn-")).length;
    tell(JSON.stringify({ seed, kills, ...seen.counts(), ...found.counts, torn, missing: found.missing.length }));
    expect(found.missing).toEqual([]);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
    const verified = await stack.countersign("audit", "verify", audit, "--key", `${audit}.jwk`);
    expect([verified.code, verified.stderr]).toEqual([0, ""]);
    // A run in which hardly anything happened would prove nothing.
    expect(stack.tool.requests.length).toBeGreaterThan(kills);
    expect(seen.refused.size).toBeGreaterThan(kills);
    expect(found.counts.outcomes).toBeGreaterThan(0);
  }, 3_600_000);
});

/** Which calls that had an effect, and which refusals that somebody was told of, are without their record. */
function compare(received: readonly ToolRequest[], records: readonly AuditLine[], seen: Seen) {
  const decisions = new Map(records.filter(({ kind }) => kind === "decision").map((one) => [one.decision_id, one]));
  const isRecorded = ({ headers }: ToolRequest): boolean => {
    const decision = decisions.get(headers["x-countersign-decision-id"]);
    const requestId = headers["x-request-id"];
    // Two that are both without an id have nothing in common.
    const isOfThisCall = Boolean(requestId) && requestIdOf(decision) === requestId;
    return letsThrough(decision?.enforced as Verdict) && isOfThisCall;
  };
  const refusals = [...seen.refused].filter((id) => decisions.get(id)?.enforced !== "deny");
  const outcomes = records.filter(({ kind }) => kind === "outcome");
  return {
    missing: [...received.filter((request) => !isRecorded(request)).map(({ headers }) => headers), ...refusals],
    counts: {
      received: received.length,
      records: records.length,
      decisions: decisions.size,
      outcomes: outcomes.length,
      unlinked: outcomes.filter(({ session_id }) => session_id === null).length,
    },
  };
}

/** The `x-request-id` that Envoy gave the call, as the policies saw it. */
function requestIdOf(decision: AuditLine | undefined): string | undefined {
  const { input } = (decision?.opa_decision ?? {}) as { input?: { http?: { headers?: Record<string, string> } } };
  return input?.http?.headers?.["x-request-id"];
}
