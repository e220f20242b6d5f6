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
/** Tokens, each with a session of its own: as many on every server, whoever they belong to. More would take long to write. */
const tokens = 2_000;
/** Agents that share them, as many on every server in the one load, and as many as there are in the other. */
const fewCallers = 10;

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

/** Makes calls with the tokens of one server. */
export interface Caller {
  /** Allowed calls of ten agents, by as many tokens and sessions on every server: what grows is who does not call. */
  few: BenchCall[];
  /** The same of as many agents as there are tokens, or of all: each has a document that has to be found and stand ready. */
  many: BenchCall[];
  /** So many allowed calls that nobody has seen yet: agents at random, each call with a new token and so a new session. */
  unseen(count: number): Promise<BenchCall[]>;
}

export async function callerOf(folder: string, { agents }: ScaleSize): Promise<Caller> {
  const key = await readKeyFile(join(folder, "var", "issuer.jwk"), "issuer");
  const callOf = async (agent: number, n: number): Promise<BenchCall> => ({
    agent: agentName(agent),
    token: await tokenOf(agentName(agent), key),
    body: allowedBody(n),
  });
  /** Allowed calls of so many agents, in turn and in no order, each call with another token. */
  const callsOf = (most: number): Promise<BenchCall[]> => {
    const callers = new Set<number>();
    while (callers.size < Math.min(agents, most)) callers.add(randomInt(agents));
    const listed = [...callers];
    return Promise.all(Array.from({ length: tokens }, (_, n) => callOf(listed[n % listed.length] as number, n)));
  };
  return {
    few: await callsOf(fewCallers),
    many: await callsOf(tokens),
    unseen: (count) => Promise.all(Array.from({ length: count }, (_, n) => callOf(randomInt(agents), n))),
  };
}
