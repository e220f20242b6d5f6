import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKey, readKeyFile, writeKeyFile } from "../../src/keys/keys.js";
import { agentName, allowedBody, type BenchCall, policyOf, tokenOf, toolsFile } from "../harness/workload.js";

/** How many agents a server knows, and how many further rules the called action has. */
export interface ScaleSize {
  agents: number;
  rules: number;
}

/** Agents with a policy file of their own; those beyond are named by the files of teams. */
const own = 1_000;
const teams = 1_000;
/** Agents that call. More would make the writing of tokens the longest part of the measurement. */
const mostCallers = 6_000;

/** Writes the files of a server: `agents.yaml` names all, and what policies say differs from file to file. */
export async function writeScaleFiles(folder: string, { agents, rules }: ScaleSize): Promise<void> {
  await mkdir(join(folder, "policies"), { recursive: true });
  await mkdir(join(folder, "var"), { recursive: true, mode: 0o700 });
  for (let n = 0; n < Math.min(own, agents); n++) {
    await writeFile(policyFile(folder, n), policyOf(agentName(n), { rules }, 50 + (n % 50)));
  }
  for (let team = 0; team < Math.min(teams, agents - own); team++) {
    const members: string[] = [];
    for (let n = own + team; n < agents; n += teams) members.push(agentName(n));
    const text = policyOf("", { rules }, 50 + (team % 50)).replace(/^agent: .*$/m, `agents: [${members.join(", ")}]`);
    await writeFile(join(folder, "policies", `team-${team}.yaml`), text);
  }
  const listed = Array.from(
    { length: agents },
    (_, n) => `  - {id: ${agentName(n)}, model: some-model-${n % 3}, scopes: ["deploy-api:*"]}\n`,
  );
  await writeFile(join(folder, "agents.yaml"), `agents:\n${listed.join("")}`, { mode: 0o640 });
  await writeFile(join(folder, "tools.yaml"), toolsFile, { mode: 0o640 });
  await writeFile(join(folder, "people.yaml"), "people: []\n", { mode: 0o640 });
  for (const [name, use] of [
    ["issuer", "issuer"],
    ["approvals", "approvals"],
    ["attestation", "attestation"],
  ] as const) {
    await writeKeyFile(join(folder, "var", `${name}.jwk`), generateKey("OKP", use));
  }
}

export function policyFile(folder: string, agent: number): string {
  return join(folder, "policies", `${agentName(agent)}.yaml`);
}

/** Allowed calls of agents in random order, each with its own token: some thousands of agents, each once. */
export async function callsOf(folder: string, { agents }: ScaleSize): Promise<BenchCall[]> {
  const key = await readKeyFile(join(folder, "var", "issuer.jwk"), "issuer");
  const callers = new Set<number>();
  while (callers.size < Math.min(agents, mostCallers)) callers.add(randomInt(agents));
  const calls: BenchCall[] = [];
  for (const n of callers) {
    calls.push({ agent: agentName(n), token: await tokenOf(agentName(n), key), body: allowedBody(n) });
  }
  return calls;
}
