/** `make bench-parts`: what one evaluation costs, and what it costs more when the agent's document has to be loaded first. */
import { createEngine } from "../src/evaluate/engine.js";
import { compilePolicySet, type PolicySet } from "../src/policies/policy_set.js";
import { loadProgram } from "../src/policies/program.js";

const program = loadProgram();
const batch = 1_000;
const rounds = 9;

function policies(agents: number, rules: number): Promise<PolicySet> {
  const bounds = Array.from({ length: rules }, (_, i) => `    max_p${i}: 50\n`).join("");
  const action = `  - name: deploy\n    allowed_environments: [staging]\n    approval_needed: env == "production"\n${bounds}`;
  const texts = Array.from({ length: agents }, (_, i) => ({
    file: `${i}.yaml`,
    text: `agent: agent-${i}\nactions:\n${action}`,
  }));
  return compilePolicySet(texts, program, "enforce");
}

function inputOf(agent: string): object {
  return {
    agent: { id: agent, scopes: ["deploy-api:*"], roles: [] },
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    images: [],
    params: { environment: "staging", p0: 3, p1: 4 },
    http: {
      method: "POST",
      path: "/v1/deploy",
      query: {},
      headers: { accept: "*/*", "content-type": "application/json" },
    },
  };
}

/** Microseconds a call, the median of several rounds: `turns` agents call one after the other. */
function measure(set: PolicySet, turns: number): number {
  const engine = createEngine(program);
  const calls = Array.from({ length: turns }, (_, i) => ({
    ...set.documentOf(`agent-${i}`),
    input: inputOf(`agent-${i}`),
  }));
  const once = (): number => {
    const started = performance.now();
    for (let i = 0; i < batch; i++) {
      const { id, document, input } = calls[i % turns] as (typeof calls)[number];
      engine.run(id, document, input);
    }
    return ((performance.now() - started) * 1_000) / batch;
  };
  once();
  return Array.from({ length: rounds }, once).sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
}

const rows: { agents: number; rules: number; evaluation: number; load: number }[] = [];
for (const agents of [10, 1_000]) {
  for (const rules of [1, 100]) {
    const set = await policies(agents, rules);
    const evaluation = measure(set, 1);
    rows.push({ agents, rules, evaluation, load: measure(set, agents) - evaluation });
  }
}
const first = rows[0] as (typeof rows)[number];
const cell = (value: number, than: number): string =>
  `${value.toFixed(1).padStart(8)} ${`x${(value / than).toFixed(1)}`.padStart(6)}`;

console.log("agents  rules   us/evaluation     us/document load");
for (const { agents, rules, evaluation, load } of rows) {
  const sizes = `${String(agents).padStart(6)} ${String(rules).padStart(6)}`;
  console.log(`${sizes} ${cell(evaluation, first.evaluation)}   ${cell(load, first.load)}`);
}
