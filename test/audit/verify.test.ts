import { createHmac } from "node:crypto";
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { type AuditReport, formatAuditProblem, verifyFiles } from "../../src/audit/verify.js";
import type { SigningKey } from "../../src/keys/keys.js";
import { chainOf, ed25519, hmac, keys, policyDraft, put, scratch, segment, stranger, writerName } from "./samples.js";
import { seal } from "./sealed.js";

const dir = scratch();

async function folder(name = writerName): Promise<string> {
  const path = join(dir.path(), name);
  await mkdir(path, { recursive: true });
  return path;
}

/** Verifies a chain that stands in one segment. */
async function verifyLines(lines: readonly string[], key: SigningKey = ed25519): Promise<AuditReport> {
  await put(await folder(), { [segment(1)]: lines.map((line) => `${line}\n`).join("") });
  return verifyFiles([dir.path()], [key]);
}

function faults({ problems }: AuditReport): string[] {
  return problems.map((problem) => `${problem.line}: ${problem.message}`);
}

test.each(keys)("a chain signed with %s holds", async (_, key) => {
  const lines = chainOf(5, key);
  const report = await verifyLines(lines, key);
  expect(report).toEqual({
    writers: [
      {
        writer: writerName,
        records: 5,
        firstSeq: 1,
        lastSeq: 5,
        head: linkTo(String(lines[4])),
        files: [join(dir.path(), writerName, segment(1))],
        keys: [{ kid: key.kid, from: 1, to: 5 }],
        newestHead: null,
      },
    ],
    statements: 0,
    problems: [],
  });
});

describe.each(keys)("with %s", (_, key) => {
  const lines = chainOf(5, key);
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  /** Line on which each byte stands, from 1; a newline belongs to the line it ends. */
  const lineAt = lines.flatMap((line, index) => Array<number>(Buffer.byteLength(line) + 1).fill(index + 1));

  test.each([0x01, 0x20])("every byte changed by xor %d is found on its line", async (mask) => {
    const path = join(await folder(), segment(1));
    const missed: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ mask;
      await writeFile(path, changed);
      const { problems } = await verifyFiles([dir.path()], [key]);
      if (problems[0]?.line !== lineAt[at]) missed.push(at);
    }
    expect(missed).toEqual([]);
  });

  test("only the changed line is named", async () => {
    const changed = lines.map((line, index) => (index === 2 ? line.replace('"detail":"3"', '"detail":"4"') : line));
    const report = await verifyLines(changed, key);
    expect(faults(report)).toEqual(["3: signature does not verify"]);
    expect(report.problems[0]?.seq).toBe(3);
    expect(report.writers[0]?.records).toBe(4);
  });
});

const [one = "", two = "", three = "", four = ""] = chainOf(4, ed25519);
const [other1 = "", other2 = ""] = chainOf(2, ed25519, "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X");
const fork = seal(policyDraft("fork"), { seq: 3, prev: linkTo(one), writer: writerName, key: ed25519 });
const genesis = seal(policyDraft("new"), { seq: 1, prev: linkTo(one), writer: writerName, key: ed25519 });

test.each<[string, string[], string[]]>([
  ["a line is deleted", [one, two, four], ["3: 1 record(s) are missing before it"]],
  ["the first line is deleted", [two, three], ["1: 1 record(s) are missing before it"]],
  ["a line is doubled", [one, two, two, three], ["3: is repeated or out of order: record 3 was expected"]],
  [
    "two lines are swapped",
    [one, three, two, four],
    [
      "2: 1 record(s) are missing before it",
      "3: is repeated or out of order: record 4 was expected",
      "4: 1 record(s) are missing before it",
    ],
  ],
  [
    "a line of another chain is spliced in",
    [one, other2, three],
    [`2: belongs to the writer "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X"`, "3: prev is not the hash of the line before"],
  ],
  [
    "another writer's chain stands in the folder",
    [other1],
    [`1: belongs to the writer "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X"`],
  ],
  ["the chain forks", [one, two, fork], ["3: prev is not the hash of the line before"]],
  ["the chain starts after something", [genesis], ["1: prev is null for record 1 and for no other"]],
  ["a blank line", [one, "", two], ["2: is not JSON in UTF-8"]],
  ["a carriage return", [`${one}\r`, two], ["1: is not in canonical form (RFC 8785)"]],
  ["a byte order mark", [`\ufeff${one}`], ["1: is not JSON in UTF-8"]],
  ["a blank", [one.replace(",", ", ")], ["1: is not in canonical form (RFC 8785)"]],
  ["an escaped character", [one.replace("policy", "\\u0070olicy")], ["1: is not in canonical form (RFC 8785)"]],
  ["a repeated member", [one.replace("{", '{"detail":"0",')], ["1: is not in canonical form (RFC 8785)"]],
  ["an array", ["[]"], ["1: is not an object"]],
  ["null", ["null"], ["1: is not an object"]],
  ["no signature", ['{"seq":1}'], ["1: signature is not {alg, kid, value}"]],
  [
    "one more member in the signature",
    [one.replace('"signature":{', '"signature":{"aaa":1,')],
    ["1: signature is not {alg, kid, value}"],
  ],
  ["endless nesting", ["[".repeat(200_000) + "]".repeat(200_000)], ["1: is not an object"]],
  [
    "deep nesting in a member",
    [`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
    ["1: holds what JSON cannot say, or is nested too deeply"],
  ],
  ["a line longer than any record", [one, "x".repeat(1_100_000), two], ["2: is longer than a record can be"]],
])("%s", async (_, lines, wanted) => {
  expect(faults(await verifyLines(lines))).toEqual(wanted);
});

test("a cut last line is found", async () => {
  await put(await folder(), { [segment(1)]: `${one}\n${two}` });
  expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual(["2: does not end with a newline"]);
});

describe("keys", () => {
  test("of somebody else", async () => {
    const line = seal(policyDraft("1"), { seq: 1, prev: null, writer: writerName, key: stranger });
    const renamed = seal(policyDraft("1"), {
      seq: 1,
      prev: null,
      writer: writerName,
      key: { ...stranger, kid: ed25519.kid },
    });
    expect(faults(await verifyLines([line]))[0]).toContain("which was not given");
    expect(faults(await verifyLines([renamed]))).toEqual(["1: signature does not verify"]);
  });

  test("several, for a chain whose key was changed", async () => {
    const next = seal(policyDraft("2"), { seq: 2, prev: linkTo(one), writer: writerName, key: hmac });
    await put(await folder(), { [segment(1)]: `${one}\n${next}\n` });
    expect((await verifyFiles([dir.path()], [ed25519, hmac])).problems).toEqual([]);
    expect(faults(await verifyFiles([dir.path()], [ed25519]))[0]).toContain("2: is signed with the key");
  });

  test("decide the algorithm, not the record", async () => {
    const publicBytes = ed25519.verifyKey.export({ format: "der", type: "spki" });
    const forger: SigningKey = {
      ...hmac,
      kid: ed25519.kid,
      signText: (data) => createHmac("sha256", publicBytes).update(data).digest("base64url"),
    };
    const line = seal(policyDraft("1"), { seq: 1, prev: null, writer: writerName, key: forger });
    expect(faults(await verifyLines([line]))).toEqual(["1: names another signature algorithm than its key has"]);
  });
});

test("spare bits of the signature's last character are found", async () => {
  const lines = [one, two];
  const respelled = lines.map((line) =>
    line.replace(/"value":"([\w-]+)"/, (_, value: string) => `"value":"${sibling(value)}"`),
  );
  const [sample] = respelled;
  expect(Buffer.from(signatureOf(sample), "base64url")).toEqual(Buffer.from(signatureOf(one), "base64url"));
  expect(faults(await verifyLines(respelled))).toEqual([
    "1: signature is not canonical base64url",
    "2: signature is not canonical base64url",
  ]);
});

function signatureOf(line = ""): string {
  return String(/"value":"([\w-]+)"/.exec(line)?.[1]);
}

function sibling(value: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return value.slice(0, -1) + alphabet.charAt(alphabet.indexOf(value.slice(-1)) + 1);
}

describe("segments", () => {
  const files = { [segment(1)]: `${one}\n${two}\n`, [segment(3)]: `${three}\n`, [segment(4)]: `${four}\n` };

  test("make one chain", async () => {
    await put(await folder(), { ...files, [segment(5)]: "", [`${segment(3)}.torn-1`]: "half" });
    const { writers, problems } = await verifyFiles([dir.path()], [ed25519]);
    expect(problems).toEqual([]);
    expect(writers.map(({ records, lastSeq, files: read }) => [records, lastSeq, read.length])).toEqual([[4, 4, 4]]);
  });

  test.each([
    ["in the middle", 3, "1: 1 record(s) are missing before it"],
    ["at the start", 1, "1: 2 record(s) are missing before it"],
  ])("a missing one %s is found", async (_, first, wanted) => {
    const path = await folder();
    await put(path, files);
    await rm(join(path, segment(first)));
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual([wanted]);
  });

  test("a copy under another name is found", async () => {
    await put(await folder(), { ...files, [segment(5)]: `${four}\n` });
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual([
      "1: is repeated or out of order: record 5 was expected",
    ]);
  });

  test("a name that promises another record is found", async () => {
    await put(await folder(), { [segment(1)]: `${one}\n${two}\n`, [segment(9)]: `${three}\n` });
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual([
      "1: stands where the file's name promises record 9",
    ]);
  });

  test("an emptied one is found", async () => {
    await put(await folder(), { ...files, [segment(3)]: "" });
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual(["1: 1 record(s) are missing before it"]);
    await put(await folder(), { [segment(4)]: "" });
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual(["0: is empty and does not follow record 2"]);
  });

  test("a file with no segment's name is found", async () => {
    await put(await folder(), { ...files, "extra.jsonl": "" });
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual(["0: has no name that a segment has"]);
  });

  test("single ones are checked by themselves", async () => {
    const path = await folder();
    await put(path, files);
    const { writers, problems } = await verifyFiles([join(path, segment(3))], [ed25519]);
    expect(problems).toEqual([]);
    expect(writers).toMatchObject([{ writer: writerName, records: 1, firstSeq: 3, lastSeq: 3 }]);
  });

  test("neighbours are checked as a chain in whatever order they are given", async () => {
    const path = await folder();
    await put(path, files);
    const given = [4, 3].map((seq) => join(path, segment(seq)));
    expect((await verifyFiles(given, [ed25519])).problems).toEqual([]);
    const apart = [4, 1].map((seq) => join(path, segment(seq)));
    expect(faults(await verifyFiles(apart, [ed25519]))).toEqual(["1: 1 record(s) are missing before it"]);
  });
});

describe("directories", () => {
  test("of several writers, one of them broken", async () => {
    await put(await folder("w1-01J9ZQ3V6C5R8N2K4M7P0T1S6X"), { [segment(1)]: `${one}\n` });
    await put(await folder("w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X"), { [segment(1)]: `${other1}\n${other1}\n` });
    const { writers, problems } = await verifyFiles([dir.path()], [ed25519]);
    expect(writers.map(({ writer, records }) => [writer, records])).toEqual([
      ["w1-01J9ZQ3V6C5R8N2K4M7P0T1S6X", 1],
      ["w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X", 1],
    ]);
    expect(problems.map(formatAuditProblem)).toEqual([
      `${join(dir.path(), "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X", segment(1))}:2: record 1: is repeated or out of order: record 2 was expected`,
    ]);
  });

  test("a writer's folder by itself", async () => {
    const path = await folder();
    await put(path, { [segment(1)]: `${one}\n` });
    expect((await verifyFiles([path], [ed25519])).writers).toMatchObject([{ writer: writerName, records: 1 }]);
  });

  test("without records do not pass", async () => {
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual(["0: holds no audit records"]);
    await folder();
    expect(faults(await verifyFiles([dir.path()], [ed25519]))).toEqual(["0: holds no audit records"]);
  });

  test("that do not exist are an error", async () => {
    await expect(verifyFiles([join(dir.path(), "absent")], [ed25519])).rejects.toThrow("ENOENT");
  });

  test("of a chain with thousands of broken lines give a bounded report", async () => {
    const path = await folder();
    await put(path, { [segment(1)]: `${one}\n` });
    await appendFile(join(path, segment(1)), "{}\n".repeat(5000));
    expect((await verifyFiles([path], [ed25519])).problems).toHaveLength(1000);
  });
});
