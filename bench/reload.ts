/** `make bench-parts`: what a reload of many policies costs, and how long nothing else gets its turn meanwhile. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { loadProgram } from "../src/policies/program.js";
import { openPolicies } from "../src/workspace/policies.js";

const program = loadProgram();
const agents = 200;
const actions = 20;
const rounds = 5;

const policyOf = (agent: number, replicas: number): string =>
  `agent: agent-${agent}\nactions:\n${Array.from(
    { length: actions },
    (_, i) =>
      `  - name: action-${i}\n    allowed_environments: [staging]\n    approval_needed: env == "production" && params.replicas > ${i}\n    max_replicas: ${replicas}\n`,
  ).join("")}`;

const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
const write = (agent: number, replicas: number): Promise<void> =>
  writeFile(join(folder, `${agent}.yaml`), policyOf(agent, replicas));

/** Milliseconds of one reload, and of the longest pause in it. */
async function reload(): Promise<{ whole: number; pause: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  await openPolicies(folder, { program, mode: "enforce" });
  const whole = performance.now() - started;
  // The last pause is seen by the timer after it.
  await sleep(20);
  delay.disable();
  return { whole, pause: delay.max / 1e6 };
}

/** The medians of several reloads, each after these files have changed. */
async function measure(changed: number): Promise<{ whole: number; pause: number }> {
  const all: { whole: number; pause: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    for (let agent = 0; agent < changed; agent++) await write(agent, ++written);
    all.push(await reload());
  }
  // The first one warms up.
  const median = (of: "whole" | "pause"): number =>
    all
      .slice(1)
      .map((one) => one[of])
      .sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
  return { whole: median("whole"), pause: median("pause") };
}

let written = 0;
try {
  for (let agent = 0; agent < agents; agent++) await write(agent, 0);
  const [one, all] = [await measure(1), await measure(agents)];
  const cell = (value: number, than: number): string =>
    `${value.toFixed(1).padStart(8)} ${`x${(value / than).toFixed(1)}`.padStart(6)}`;
  console.log(`${agents} files of ${actions} actions`);
  console.log("changed files        ms/reload      ms longest pause");
  for (const [name, { whole, pause }] of [
    ["1", one],
    [String(agents), all],
  ] as const) {
    console.log(`${name.padStart(13)}   ${cell(whole, one.whole)}       ${cell(pause, one.pause)}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
