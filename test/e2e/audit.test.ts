import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { segmentFor } from "../../src/audit/segments.js";
import { take, tour } from "../demo/steps.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type AuditLine, auditSegments } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";

const envoy = await requirePart("Envoy", findEnvoy);

/** What is done to the lines of a copy, and the lines that have to be named for it. */
type Damage = [what: string, change: Change, named: number[]];
type Change = (lines: string[], records: AuditLine[]) => string[];

/** One byte becomes the next one. */
function bump(lineOf: (records: AuditLine[]) => number, positionOf: (line: string) => number): Change {
  return (lines, records) => {
    const index = lineOf(records);
    const line = lines[index] ?? "";
    const at = positionOf(line);
    if (index < 0 || at < 0 || at >= line.length) throw new Error("the run left no such record");
    const next = String.fromCharCode(line.charCodeAt(at) + 1);
    return lines.with(index, `${line.slice(0, at)}${next}${line.slice(at + 1)}`);
  };
}

const bumps: [what: string, change: Change][] = [
  [
    "the first byte of all",
    bump(
      () => 0,
      () => 0,
    ),
  ],
  [
    "a policy file's name",
    bump(
      () => 0,
      (line) => line.indexOf("deploy-manager.yaml"),
    ),
  ],
  [
    "a verdict",
    bump(
      (all) => all.findIndex(({ decision }) => decision === "deny"),
      (line) => line.indexOf('"deny"') + 1,
    ),
  ],
  [
    "a parameter",
    bump(
      (all) => all.findIndex(({ reason }) => reason === "max_replicas"),
      (line) => line.indexOf(":200"),
    ),
  ],
  [
    "the approver",
    bump(
      (all) => all.findIndex(({ kind }) => kind === "approval"),
      (line) => line.indexOf("alice"),
    ),
  ],
  [
    "a link",
    bump(
      (all) => Math.floor(all.length / 2),
      (line) => line.indexOf('"prev":"sha256:') + 40,
    ),
  ],
  [
    "a signature",
    bump(
      (all) => all.length - 2,
      (line) => line.lastIndexOf('"value":"') + 40,
    ),
  ],
  // Its low bits stand for nothing in base64url: a lenient reader takes the next one for the same signature.
  [
    "the last character of a signature",
    bump(
      () => 3,
      (line) => lastOfSignature(line),
    ),
  ],
  [
    "the last byte of all",
    bump(
      (all) => all.length - 1,
      (line) => line.length - 1,
    ),
  ],
];

function lastOfSignature(line: string): number {
  return line.indexOf('"', line.lastIndexOf('"value":"') + '"value":"'.length) - 1;
}

const moves: Damage[] = [
  ["a record taken out", (lines) => lines.toSpliced(6, 1), [7]],
  ["two records changed about", (lines) => lines.with(6, lines[7] ?? "").with(7, lines[6] ?? ""), [7, 8]],
  ["a record twice", (lines) => lines.toSpliced(6, 0, lines[5] ?? ""), [7]],
  ["the first record cut off", (lines) => lines.slice(1), [1]],
];

describeWith(envoy, "the audit chain of a run", (use) => {
  let stack: Stack;
  let audit: string;
  /** Name of the one segment, below an audit directory. */
  let segment: string;
  let lines: string[];
  let records: AuditLine[];

  beforeAll(async () => {
    stack = await startStack({ store: "memory:", envoyProgram: use() });
    for (const step of tour()) await take(stack, step);
    await stack.server.stop();
    audit = join(stack.folder, "var", "audit");
    const [only = "", ...more] = await auditSegments(audit);
    expect(more).toEqual([]);
    segment = only.slice(audit.length + 1);
    lines = (await readFile(only, "latin1")).split("\n").slice(0, -1);
    records = lines.map((line): AuditLine => JSON.parse(line));
  });
  afterAll(() => stack?.stop());

  const verify = (...args: string[]) => stack.countersign("audit", "verify", ...args, "--key", `${audit}.jwk`);
  /** A copy of the audit directory with other lines in it. */
  const copyWith = async (name: string, changed: readonly string[]): Promise<string> => {
    const folder = join(stack.folder, "copies", name.replaceAll(" ", "-"));
    await rm(folder, { recursive: true, force: true });
    await cp(audit, folder, { recursive: true });
    await writeFile(join(folder, segment), changed.map((line) => `${line}\n`).join(""), "latin1");
    return folder;
  };

  test("holds a record of each thing that happened, in order", () => {
    const verdicts = [
      ...["allow", "deny", "deny", "deny", "deny", "sanitize"],
      ...["approval_needed", "people approve", "approval_needed", "allow", "deny"],
      ...["approval_needed", "people approve", "people revoke", "deny"],
      ...["approval_needed", "people deny"],
      ...["allow", "allow", "deny"],
      ...["allow", "allow", "deny"],
      ...["deny"],
    ];
    expect(
      records
        // Envoy tells of these when it gets to it.
        .filter(({ kind }) => kind !== "outcome")
        .map(({ kind, event, decision }) => event ?? (kind === "approval" ? `people ${decision}` : decision)),
    ).toEqual(["loaded", ...verdicts]);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
  });

  test("verifies as it is, and says what it looked at", async () => {
    const { writer } = records[0] ?? {};
    const { code, stdout, stderr } = await verify(audit);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.trimEnd().split("\n")).toEqual([
      `${writer}: ${lines.length} records, up to seq ${lines.length}`,
      expect.stringMatching(new RegExp(`^  newest head: record ${lines.length} at `)),
      "every statement of heads holds",
      "every signature and every link holds",
    ]);
    const json = await verify(audit, "--json");
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      0,
      {
        problems: [],
        statements: 1,
        writers: [
          {
            writer,
            records: lines.length,
            firstSeq: 1,
            lastSeq: lines.length,
            head: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
            // The second one is for the record to come.
            files: [join(audit, segment), expect.stringContaining(segmentFor(lines.length + 1))],
            keys: [{ kid: expect.any(String), from: 1, to: lines.length }],
            newestHead: {
              seq: lines.length,
              timestamp: expect.any(String),
              place: expect.stringContaining(`${writer}.heads`),
            },
          },
        ],
      },
    ]);
  });

  test("one changed byte ends with status 1 and names its line, in text and as JSON", async () => {
    const at = records.findIndex(({ enforced }) => enforced === "deny");
    const changed = lines.with(at, (lines[at] ?? "").replace('"enforced":"deny"', '"enforced":"allow"'));
    expect(changed).not.toEqual(lines);
    const copy = await copyWith("one", changed);
    const { code, stdout } = await verify(copy);
    expect(code).toBe(1);
    expect(stdout.split("\n")[0]).toBe(`${join(copy, segment)}:${at + 1}: record ${at + 1}: signature does not verify`);
    expect(stdout).not.toContain("every signature and every link holds");
    const json = await verify(copy, "--json");
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      1,
      {
        problems: [{ file: join(copy, segment), line: at + 1, seq: at + 1, message: "signature does not verify" }],
        statements: 1,
        writers: [expect.objectContaining({ records: lines.length - 1, lastSeq: lines.length })],
      },
    ]);
  });

  // All in one run of the program, whose start takes longer than its work.
  test("whatever is changed, exactly the lines concerned are named", async () => {
    const bytes = bumps.map(([what, change]): Damage => {
      const changed = change(lines, records);
      return [`a byte of ${what}`, change, [lines.findIndex((line, i) => line !== changed[i]) + 1]];
    });
    const damages = [...bytes, ...moves];
    const copies = await Promise.all(damages.map(([what, change]) => copyWith(what, change(lines, records))));
    const { code, stdout } = await verify(...copies);
    expect(code).toBe(1);
    const found = damages.map(([what], i) => {
      const file = `${join(copies[i] ?? "", segment)}:`;
      const told = stdout.split("\n").filter((line) => line.startsWith(file));
      return [what, told.map((line) => Number(line.slice(file.length).split(":")[0]))];
    });
    const wanted = damages.map(([what, , named]) => [what, expect.arrayContaining(named)]);
    expect(found).toEqual(wanted);
    expect(found.slice(0, bytes.length)).toEqual(bytes.map(([what, , named]) => [what, named]));
  });

  test("without records, with another key, or without one, nothing is said to hold", async () => {
    const other = join(stack.folder, "other");
    expect((await stack.countersign("init", "--dir", other)).code).toBe(0);
    const withKey = (...key: string[]) => stack.countersign("audit", "verify", audit, ...key);
    const [foreign, wrongUse, keyless, empty, missing] = await Promise.all([
      withKey("--key", join(other, "var", "audit.jwk")),
      withKey("--key", join(other, "var", "issuer.jwk")),
      withKey(),
      verify(await copyWith("empty", [])),
      verify(join(stack.folder, "nowhere")),
    ]);
    expect([foreign.code, foreign.stdout.match(/\.jsonl:\d+: /g)?.length]).toEqual([1, lines.length]);
    expect([keyless.code, empty.code]).toEqual([2, 1]);
    for (const { code, stdout } of [wrongUse, empty, missing]) {
      expect(code).not.toBe(0);
      expect(stdout).not.toContain("holds\n");
    }
  });
});
