import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.js";
import type { Happening } from "../../src/notify/notice.js";
import { usualTiming } from "../../src/notify/timing.js";
import { eventOf, openWebhook } from "../../src/notify/webhook.js";
import { send } from "../harness/http.js";
import { startProcess } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import { until } from "../harness/until.js";
import { attempt, opened } from "./fixture.js";

const page = readFileSync(join(repository, "docs/notifications.md"), "utf8");
const example = (language: string): string => {
  const [only, ...more] = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))];
  if (more.length > 0) throw new Error(`several examples in ${language}`);
  return only?.[1] ?? "";
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-notifications-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the configuration loads", async () => {
  await writeFile(join(folder, "countersign.yaml"), example("yaml"));
  const { teams, webhook } = loadConfig(join(folder, "countersign.yaml"), {}).approvals;
  expect(teams?.webhook_url_file).toBe(join(folder, "var/teams-url"));
  expect(webhook?.secret_file).toBe(join(folder, "var/webhook-secret"));
});

test("every kind is told of, and the times are those in use", () => {
  const kinds: Record<Happening["kind"], true> = {
    "approval.opened": true,
    "approval.escalated": true,
    "approval.closed": true,
    "budget.warning": true,
    "counters.lost": true,
  };
  expect([...page.matchAll(/^\| `([a-z]+\.[a-z]+)` \|/gm)].map(([, kind]) => kind)).toEqual(Object.keys(kinds));
  const seconds = Object.entries(usualTiming).map(([name, ms]) => [name, ms / 1000]);
  expect(Object.fromEntries(seconds)).toEqual({
    tryMs: 10,
    firstMs: 1,
    mostMs: 60,
    giveUpMs: 86_400,
    lookMs: 15,
    graceMs: 60,
    closeMs: 2,
  });
});

test("the event is one as it is posted", () => {
  expect(JSON.parse(example("json"))).toEqual(eventOf(opened(), ""));
});

test("the receiver takes what is signed, once, and nothing else", async () => {
  await writeFile(join(folder, "receiver.mjs"), example("js"));
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  const secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
  const receiver = await startProcess({
    name: "the receiver",
    command: process.execPath,
    args: [join(folder, "receiver.mjs")],
    env: { WEBHOOK_SECRET: secret, PORT: "0" },
  });
  try {
    const port = await until(() => /^port (\d+)$/m.exec(receiver.stdout())?.[1], { what: "the receiver's port" });
    const url = `http://127.0.0.1:${port}/`;
    const notifier = async (key: string) => {
      await writeFile(join(folder, "secret"), key);
      return openWebhook({ url, secret_file: join(folder, "secret") }, { now: Date.now });
    };
    const ours = await notifier(secret);
    await ours?.send(opened(), attempt("apr_1-opened"));
    await ours?.send(opened(), attempt("apr_1-opened"));
    await ours?.send({ kind: "counters.lost", at: "", agent_id: "bot" }, attempt("evt_2"));
    const other = await notifier(`whsec_${Buffer.alloc(32, 6).toString("base64")}`);
    await expect(other?.send(opened(), attempt())).rejects.toThrow("it answers 401");
    expect((await send(url, { body: "{}" })).status).toBe(401);
    const wanted = [`port ${port}`, `approval.opened ${opened().approval.id}`, "counters.lost bot", ""].join("\n");
    await until(() => receiver.stdout() === wanted, { what: `two lines of events, not ${receiver.stdout()}` });
  } finally {
    await receiver.stop();
  }
});
