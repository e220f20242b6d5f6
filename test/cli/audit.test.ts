import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { sealHeads } from "../../src/audit/heads.js";
import { openWriter } from "../../src/audit/writer.js";
import { readKeyFile } from "../../src/keys/keys.js";
import { countersign, init, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
afterAll(undo);

let segment: string;
beforeAll(async () => {
  await init(folder);
  const key = await readKeyFile(join(folder, "var/audit.jwk"), "audit");
  const writer = await openWriter({ dir: join(folder, "var/audit"), worker: 1, key, durability: "write" });
  for (let i = 0; i < 5; i++) {
    await writer.append({
      kind: "policy",
      timestamp: "2026-03-02T09:30:00.000Z",
      event: "loaded",
      policy_version: `sha256:${i}`,
      previous_version: null,
      files: [],
      detail: null,
    });
  }
  await writer.close();
  // What these tests find, they find in the records; statements have tests of their own.
  await rm(join(folder, "var/audit", `${writer.writer}.heads`));
  const [only = "", next = ""] = (await readdir(writer.folder)).sort().map((file) => join(writer.folder, file));
  // The segment to come, which is there as soon as one has ended.
  await rm(next);
  segment = only.slice(folder.length + 1);
  const { d: _, ...half } = JSON.parse(readFileSync(join(folder, "var/audit.jwk"), "utf8"));
  await writeFile(join(folder, "public.jwk"), JSON.stringify(half));
});

const verify = (...args: string[]) => countersign(["audit", "verify", ...args], { cwd: folder });
const uncovered = "not covered by heads: a cut tail would not show";
const name = () => segment.split("/").at(-2);

/** A copy of the records with one line changed. */
async function damaged(change: (line: string) => string): Promise<string> {
  const copy = join(folder, "damaged");
  await cp(join(folder, "var/audit"), copy, { recursive: true, force: true });
  const path = join(copy, segment.slice("var/audit/".length));
  const lines = readFileSync(path, "utf8").split("\n");
  lines[2] = change(lines[2] ?? "");
  writeFileSync(path, lines.join("\n"));
  return path;
}

test("records that hold", async () => {
  expect(await verify("var/audit", "--key", "var/audit.jwk")).toEqual({
    code: 0,
    stdout: `${name()}: 5 records, up to seq 5\n  ${uncovered}\nevery signature and every link holds\n`,
    stderr: "",
  });
});

test("the public half of the key is enough, and a single segment can be checked", async () => {
  expect((await verify(segment, "-k", "public.jwk")).code).toBe(0);
});

test("a changed record exits with 1 and names its line", async () => {
  const path = await damaged((line) => line.replace("sha256:2", "sha256:9"));
  const { code, stdout, stderr } = await verify("damaged", "--key", "var/audit.jwk");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(stdout).toBe(
    `${path}:3: record 3: signature does not verify\n${name()}: 4 records, up to seq 5\n  ${uncovered}\n`,
  );
});

test("for a program", async () => {
  expect(JSON.parse((await verify("var/audit", "--key", "public.jwk", "--json")).stdout)).toEqual({
    writers: [
      {
        writer: name(),
        records: 5,
        firstSeq: 1,
        lastSeq: 5,
        head: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        files: [join(folder, segment)],
        keys: [{ kid: expect.any(String), from: 1, to: 5 }],
        newestHead: null,
      },
    ],
    statements: 0,
    problems: [],
  });
  const path = await damaged(() => "");
  const { code, stdout } = await verify("damaged", "--key", "var/audit.jwk", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(stdout).problems[0]).toMatchObject({ file: path, line: 3 });
});

test("keys may be several and stand anywhere", async () => {
  const other = join(folder, "older");
  await init(other);
  expect((await verify("-k", "older/var/audit.jwk", "var/audit", "-k", "public.jwk")).code).toBe(0);
});

test("another key's records do not hold", async () => {
  const other = join(folder, "other");
  await init(other);
  const { code, stdout } = await verify("var/audit", "--key", "other/var/audit.jwk");
  expect(code).toBe(1);
  expect(stdout).toContain(":1: record 1: ");
});

test("a folder without records proves nothing, so it does not pass", async () => {
  await mkdir(join(folder, "nothing"), { recursive: true });
  expect(await verify("nothing", "--key", "public.jwk")).toEqual({
    code: 1,
    stdout: `${join(folder, "nothing")}: holds no audit records\n`,
    stderr: "",
  });
});

test("a private key that others can read is refused", async () => {
  await cp(join(folder, "var/audit.jwk"), join(folder, "open.jwk"));
  await chmod(join(folder, "open.jwk"), 0o644);
  const { code, stderr } = await verify("var/audit", "--key", "open.jwk");
  expect(code).toBe(2);
  expect(stderr).toContain("open.jwk:1:1: other users of the machine can reach this private key");
});

describe("statements of heads", () => {
  let heads: string;
  beforeAll(async () => {
    const key = await readKeyFile(join(folder, "var/audit.jwk"), "audit");
    const lines = readFileSync(join(folder, segment), "utf8").split("\n");
    const head = { writer: String(name()), seq: 5, link: linkTo(lines[4] ?? "") };
    const statement = {
      kind: "heads" as const,
      timestamp: "2026-03-02T09:31:00.000Z",
      writer: head.writer,
      heads: [head],
    };
    heads = `${sealHeads(statement, key)}\n`;
    await mkdir(join(folder, "auditor"));
    await writeFile(join(folder, "auditor", `${name()}.heads`), heads);
  });

  test("that cover a chain", async () => {
    expect(await verify("var/audit", "-k", "public.jwk", "--heads", "auditor", "--require-heads")).toEqual({
      code: 0,
      stdout:
        `${name()}: 5 records, up to seq 5\n  newest head: record 5 at 2026-03-02T09:31:00.000Z\n` +
        "every statement of heads holds\nevery signature and every link holds\n",
      stderr: "",
    });
  });

  test("show a cut tail, from beside the records and from elsewhere", async () => {
    const copy = join(folder, "shortened");
    await cp(join(folder, "var/audit"), copy, { recursive: true });
    const path = join(copy, segment.slice("var/audit/".length));
    writeFileSync(path, `${readFileSync(path, "utf8").split("\n").slice(0, 3).join("\n")}\n`);
    expect((await verify("shortened", "-k", "public.jwk")).code).toBe(0);
    const kept = join("auditor", `${name()}.heads`);
    const elsewhere = await verify("shortened", "-k", "public.jwk", "--heads", kept);
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.stdout).toContain(
      `${path}: record 5: the chain ends at record 3, and ${join(folder, kept)} states it\n`,
    );
    await writeFile(join(copy, `${name()}.heads`), heads);
    expect((await verify("shortened", "-k", "public.jwk")).code).toBe(1);
    // A writer's folder has its own statement; a segment by itself may end anywhere.
    expect((await verify(join("shortened", String(name())), "-k", "public.jwk")).code).toBe(1);
    expect((await verify(path, "-k", "public.jwk")).code).toBe(0);
  });

  test("are missed where they are required", async () => {
    await rm(join(folder, "var/audit", `${name()}.heads`), { force: true });
    const { code, stdout } = await verify("var/audit", "-k", "public.jwk", "--require-heads");
    expect(code).toBe(1);
    expect(stdout).toContain("no statement of heads covers it: a cut tail would not show");
  });

  test("must be there when they are named", async () => {
    expect(await verify("var/audit", "-k", "public.jwk", "--heads", "nowhere")).toMatchObject({
      code: 2,
      stderr: "countersign: nowhere does not exist\n",
    });
  });
});

test("a bucket is checked by itself, and only a bucket has an endpoint", async () => {
  expect((await verify("s3://audit", "var/audit", "-k", "public.jwk")).stderr).toContain(
    "a bucket is checked by itself",
  );
  expect((await verify("var/audit", "-k", "public.jwk", "--endpoint", "http://127.0.0.1:1")).stderr).toContain(
    "--endpoint belongs to s3://bucket/prefix",
  );
});

test("no name of a file is taken for a word of ours, or keeps the check from its end", async () => {
  const copy = join(folder, "hostile");
  await cp(join(folder, "var/audit"), copy, { recursive: true });
  const said = "every signature, every link and every head holds";
  await writeFile(join(copy, name() ?? "", `\r\u001b[2J${said}\n\u009b2J.jsonl`), "");
  for (const place of [`${name()}/0000000000000009.jsonl`, "w9-01J9ZQ3V6C5R8N2K4M7P0T1S6Z.heads"]) {
    execFileSync("mkfifo", [join(copy, place)]);
  }
  await symlink("/dev/zero", join(copy, name() ?? "", "0000000000000008.jsonl"));
  const { code, stdout } = await verify("hostile", "--key", "var/audit.jwk");
  expect(code).toBe(1);
  expect(stdout).not.toMatch(/[^\n -~]/);
  expect(stdout.split("\n")).not.toContain(said);
  expect(stdout).toContain("has no name that a segment has");
  expect(stdout).toContain("w9-01J9ZQ3V6C5R8N2K4M7P0T1S6Z.heads: is no file");
});
