import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../harness/programs.js";
import { until } from "../harness/until.js";
import { type Api, api, person } from "./fixture.js";

const page = readFileSync(join(repository, "docs/check.md"), "utf8");
const examples = [...page.matchAll(/^```sh\n(.*?)^```\n\n```json\n(.*?)^```/gms)].map(
  ([, script = "", answer = ""]) => ({
    script,
    answer,
  }),
);

let made: Api;
beforeEach(async () => {
  made = await api();
});
afterEach(() => made.app.close());

async function environment(): Promise<Record<string, string>> {
  const { authorization = "" } = await made.agent("deploy-manager");
  return { COUNTERSIGN: `http://${made.host}:${made.port}`, TOKEN: authorization.replace("Bearer ", "") };
}

/** Somebody who approves whatever is asked for, until told to stop. */
function approving(): () => Promise<void> {
  let done = false;
  const work = until(
    async () => {
      const pending = await made.here.service.list({ limit: 10, status: "pending" });
      for (const { id } of pending) await made.here.service.answer(id, person("bob"), { decision: "approve" });
      return done;
    },
    { what: "the end of the example", timeoutMs: 30_000 },
  );
  return async () => {
    done = true;
    await work;
  };
}

test("the page has examples", () => expect(examples).toHaveLength(4));

test.each(examples)("example %# answers as the page says", async ({ script, answer }) => {
  const [{ host, port }, env] = [made, await environment()];
  const stop = approving();
  // The fixture names the port that it would have in the configuration.
  const here = `curl() { command curl "$\{@//127.0.0.1:9192/${host}:${port}}"; }\n`;
  const { stdout } = await promisify(execFile)("bash", ["-euc", here + script], { env: { ...process.env, ...env } });
  await stop();
  const { decision_id, policy_version, ...said } = JSON.parse(stdout);
  const { decision_id: _, policy_version: __, ...wanted } = JSON.parse(answer);
  expect(said).toEqual(wanted);
  expect([decision_id, policy_version]).toEqual([
    expect.stringMatching(/^[0-9A-Z]{26}$/),
    expect.stringMatching(/^sha256:/),
  ]);
});

test("the function in front of another lets through what is permitted, and nothing else", async () => {
  const source = /^```js\n(.*?)^```/ms.exec(page)?.[1] ?? "";
  const { guarded } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const { COUNTERSIGN: url, TOKEN: token } = await environment();
  const ran: object[] = [];
  const run = guarded({ url, token, tool: "shell", action: "run" }, (params: object) => ran.push(params));
  await run({ jobs: 1 });
  await expect(run({ jobs: 50 })).rejects.toThrow("not permitted: jobs 50 is above max_jobs 5");
  await made.app.close();
  await expect(run({ jobs: 1 })).rejects.toThrow();
  expect(ran).toEqual([{ jobs: 1 }]);
});
