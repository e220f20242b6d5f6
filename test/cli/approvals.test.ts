import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Api, api } from "../http/fixture.js";
import { countersign, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
let made: Api;

beforeEach(async () => {
  made = await api();
  await writeFile(join(folder, "countersign.yaml"), `public_url: "http://${made.host}:${made.port}/"\n`);
});
afterEach(() => made.app.close());
afterAll(undo);

const title = "deploy-manager asks for deploy-api:deploy in production";

/** Runs a command as somebody of people.yaml. */
const run = (who: string, ...args: string[]) =>
  countersign(["approvals", ...args], { cwd: folder, env: { COUNTERSIGN_TOKEN: `token-${who}` } });

async function succeeds(who: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(who, ...args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout.trimEnd();
}

test("list shows what waits, and show the exact call with every character of it visible", async () => {
  expect(await succeeds("bob", "list")).toBe("no approvals");
  const id = await made.here.open();
  const [head, row, ...others] = (await succeeds("bob", "list")).split("\n");
  expect(head).toMatch(/^id +status +agent +action +environment +because of +expires$/);
  expect(row?.split(/ {2,}/)).toEqual([
    id,
    "pending",
    "deploy-manager",
    "deploy-api:deploy",
    "production",
    "allowed_environments",
    "2026-03-01T14:37:00.000Z",
  ]);
  expect(others).toEqual([]);
  const shown = await succeeds("bob", "show", id);
  expect(shown).toMatch(/^because of +allowed_environments: production needs approval$/m);
  expect(shown).toMatch(/^started by +alice$/m);
  expect(shown).toMatch(/^cost +2\.5$/m);
  expect(shown).toMatch(/^session +nothing is known of it$/m);
  expect(shown).toMatch(/^history +0 approved, 0 denied, 0 expired$/m);
  // Text that turns the direction of writing is shown as what it is.
  expect(shown).toContain('"note": "<b>\\u{202e}gnp.exe"');
  expect(shown).not.toContain("\u202e");
  expect(JSON.parse(await succeeds("bob", "show", id, "--json"))).toMatchObject({ id, call: { method: "POST" } });
});

test("show says that a body was not read, and shows the rest of one that was", async () => {
  const [read, unread] = [
    await made.here.open({ body: { as_user: "root\u202e" } }),
    await made.here.open({ body: null }),
  ];
  expect(await succeeds("bob", "show", read)).toContain('"as_user": "root\\u{202e}"');
  expect(await succeeds("bob", "show", read)).not.toMatch(/^body /m);
  expect(await succeeds("bob", "show", unread)).toMatch(/^body +was not read: what is in it is not shown$/m);
});

test("approve, and revoke what was approved, both with a comment", async () => {
  const id = await made.here.open();
  expect(await succeeds("bob", "approve", id, "--comment", "looked at the diff")).toBe(`${title}\n${id} is approved`);
  expect(await succeeds("auditor", "list", "--status", "approved")).toContain(id);
  expect(await succeeds("carol", "revoke", id)).toBe(`${title}\n${id} is revoked`);
  expect(await succeeds("auditor", "list")).toBe("no approvals");
  const shown = await succeeds("auditor", "show", id);
  expect(shown).toMatch(/^approve +bob@example\.com at \S+: looked at the diff$/m);
  expect(shown).toMatch(/^revoke +carol@example\.com at \S+$/m);
  expect(made.here.records.outcomes()).toEqual([
    "bob@example.com approve approved",
    "carol@example.com revoke revoked",
  ]);
});

test("an answer that is not enough says so, and deny ends it", async () => {
  const id = await made.here.open({ quorum: 2 });
  expect(await succeeds("bob", "approve", id)).toBe(`${title}\nyour answer counts; 1 of 2 people have approved`);
  expect(JSON.parse(await succeeds("carol", "deny", id, "--json"))).toMatchObject({ id, status: "denied" });
});

test.each<[string, string, string[], string]>([
  ["the own call", "alice", ["approve", "ID"], "nobody answers for a call of their own (self_approval)"],
  ["no approver", "auditor", ["deny", "ID"], "your access does not cover this (access_denied)"],
  ["an unknown id", "bob", ["show", "apr_unknown"], "there is no such approval (not_found)"],
  ["what is no id", "bob", ["show", "../agents"], "../agents is no id of an approval"],
  ["an unknown status", "bob", ["list", "--status", "open"], "--status: write one of pending"],
  ["a limit that is none", "bob", ["list", "--limit", "0"], "query.limit"],
  ["a comment of two lines", "bob", ["approve", "ID", "--comment", "a\nb"], "(invalid_comment)"],
])("%s is wrong use", async (_, who, args, message) => {
  const id = await made.here.open();
  const { code, stdout, stderr } = await run(who, ...args.map((arg) => (arg === "ID" ? id : arg)));
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  expect(await made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
});

test("what is decided is told, and not decided again", async () => {
  const id = await made.here.open();
  await succeeds("bob", "deny", id);
  const { code, stderr } = await run("carol", "approve", id);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("(decided)") });
});
