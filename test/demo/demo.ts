import { join } from "node:path";
import { findEnvoy } from "../harness/find_envoy.js";
import { findRedis } from "../harness/find_redis.js";
import { send } from "../harness/http.js";
import { PartMissing } from "../harness/part_missing.js";
import { auditRecords } from "../harness/records.js";
import type { RunningRedis } from "../harness/redis.js";
import { type Stack, startStack } from "../harness/stack.js";
import { deploy, release, take, tour } from "./steps.js";

const say = (text = ""): void => {
  process.stdout.write(`${text}\n`);
};

const redis = await redisIfThere();
try {
  say("Starting Envoy, Countersign and an example tool ...");
  const stack = await startStack({ store: redis?.url ?? "memory:", envoyProgram: await findEnvoy() });
  try {
    let wrong = 0;
    for (const part of [walk, usage, page, verify, evidence]) wrong += await part(stack);
    if (process.env.DEMO_EXIT === "1") process.exitCode = wrong === 0 ? 0 : 1;
    else await linger(stack);
  } finally {
    await stack.stop();
  }
} catch (error) {
  if (!(error instanceof PartMissing)) throw error;
  say(error.message);
  process.exitCode = 1;
} finally {
  await redis?.stop();
}

async function redisIfThere(): Promise<RunningRedis | undefined> {
  try {
    return await findRedis();
  } catch (error) {
    if (!(error instanceof PartMissing)) throw error;
    say(`${error.message}\nThe demo goes on with the memory store: limits and approvals end with it.`);
    return undefined;
  }
}

async function walk(stack: Stack): Promise<number> {
  say(`\n${row("call", "status", "verdict", "reason")}\n${"-".repeat(96)}`);
  let wrong = 0;
  for (const step of tour()) {
    const result = await take(stack, step);
    const passed = result.answer.status === 200;
    const reached = stack.tool.requests.at(-1)?.headers["x-countersign-decision"];
    const verdict = passed ? String(reached) : String(result.answer.headers["x-countersign-decision"]);
    say(row(step.title, String(result.answer.status), verdict, result.reason));
    if (result.wrong === undefined) continue;
    wrong += 1;
    say(`   ^ not as it should be: ${result.wrong}`);
  }
  const records = await auditRecords(join(stack.folder, "var", "audit"));
  const shadow = records.findLast(({ agent_id }) => agent_id === "release-bot");
  if (shadow?.decision !== "deny" || shadow.enforced !== "allow") wrong += 1;
  say(`\nThe shadow agent's call passed; its record says decision=${shadow?.decision}, reason=${shadow?.reason}.`);
  return wrong;
}

function row(...[title = "", status = "", verdict = "", reason = ""]: string[]): string {
  return `${title.padEnd(50)} ${status.padEnd(8)} ${verdict.padEnd(17)} ${reason}`;
}

/** What the paying agent has used; 1 when it is not what the tour used. */
async function usage(stack: Stack): Promise<number> {
  const { body } = await stack.ask(stack.people.viewer, "/v1/usage/payer");
  const { limit, used, left, burn_per_hour: burn } = JSON.parse(body).enforced.daily_budget;
  say(`\nGET /v1/usage/payer: ${used} of ${limit} used today, ${left} left, ${burn} in the last hour.`);
  return used === 80 && left === 20 ? 0 : 1;
}

/** Says where people answer; 1 when nothing is there. */
async function page(stack: Stack): Promise<number> {
  const { status, headers } = await send(`${stack.api}/approvals`);
  say(`\nPeople answer at ${stack.api}/approvals (alice@example.com, token ${stack.people.approver}).`);
  return status === 200 && String(headers["content-type"]).startsWith("text/html") ? 0 : 1;
}

async function verify(stack: Stack): Promise<number> {
  const key = join(stack.folder, "var", "audit.jwk");
  const { code, stdout } = await stack.countersign("audit", "verify", join(stack.folder, "var", "audit"), "--key", key);
  say(`\n$ countersign audit verify var/audit --key var/audit.jwk\n${stdout.trimEnd()}`);
  return code;
}

/** The five questions about the deployment that the tour has told. */
async function evidence(stack: Stack): Promise<number> {
  const records = join(stack.folder, "var", "audit");
  const asked = ["--deployment", release.deployment_id, "--audit", records, "--key", `${records}.jwk`];
  const { code, stdout } = await stack.countersign("audit", "answer", ...asked);
  say(`\n$ countersign audit answer --deployment ${release.deployment_id} --audit var/audit --key var/audit.jwk`);
  say(stdout.trimEnd());
  return code;
}

async function linger(stack: Stack): Promise<void> {
  const token = await stack.token("deploy-manager");
  say(`
Still running until Ctrl-C; files, records and logs are in ${stack.folder}

  Envoy       ${stack.envoy.url}
  Approvals   ${stack.api}/approvals   (alice@example.com signs in with the token ${stack.people.approver})

Ask for a production deploy and answer on that page, or do it all here: ask, look who waits, approve, fetch the override token:
  curl -i ${stack.envoy.url}/v1/deploy -H 'host: deploy.internal' -H 'authorization: Bearer ${token}' \\
    -H 'content-type: application/json' -d '${JSON.stringify(deploy("production").json)}'
  curl '${stack.api}/v1/approvals?status=pending' -H 'authorization: Bearer ${stack.people.approver}'
  curl ${stack.api}/v1/approvals/ID/decision -H 'authorization: Bearer ${stack.people.approver}' \\
    -H 'content-type: application/json' -d '{"decision": "approve"}'
  curl '${stack.api}/v1/approvals/ID?wait=30s' -H 'authorization: Bearer ${token}'

The first call with -H 'x-countersign-override: TOKEN' then passes, once.
`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
