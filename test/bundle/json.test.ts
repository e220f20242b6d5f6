import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { decodeJwt } from "jose";
import { readJson } from "../../src/bundle/json.js";
import { sha256Hex } from "../../src/canonical.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { run } from "../harness/programs.js";
import { inFolder } from "./fixture.js";

const opa = await requirePart("opa", findOpa);
const read = (text: string | Uint8Array) => readJson("data.json", Buffer.from(text as string));

test.each([
  ['{ "b" : 1, "a": [ true , null ] }', '{"a":[true,null],"b":1}'],
  ["1.0", "1.0"],
  ["[1e3, -0, 0.10]", "[1e3,-0,0.10]"],
  ['"\\u0041\\/"', '"A/"'],
  ['"\u2028\\u2029"', '"\\u2028\\u2029"'],
  ['{"\u{10000}": 1, "\uffff": 2}', '{"\uffff":2,"\u{10000}":1}'],
  ['{"a": {}, "": []}', '{"":[],"a":{}}'],
])("%s has the form %s", (text, form) => {
  expect(read(text)).toEqual({ value: JSON.parse(text), form });
});

test.each<[string, string | Uint8Array, string]>([
  ["nothing", "", "is not JSON"],
  ["a comment", "{} // x", "is not JSON"],
  ["a trailing comma", "[1,]", "is not JSON"],
  ["two values", "{}{}", "is not JSON"],
  ["a byte order mark", "\ufeff{}", "is not JSON"],
  ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), "is not JSON"],
  ["a name twice", '{"a":1,"b":{"c":1,"c":2}}', 'has the name "c" twice'],
  ["a name twice, spelled otherwise", '{"a":1,"\\u0061":2}', 'has the name "a" twice'],
  ["__proto__", '{"__proto__":{}}', "has a name that is not permitted"],
  ["a lone surrogate", '"\\ud800"', "has a text that is not Unicode"],
  ["a lone surrogate in a name", '{"\\udc00":1}', "has a text that is not Unicode"],
  ["65 levels", `${"[".repeat(65)}${"]".repeat(65)}`, "is nested deeper than 64 levels"],
  ["a million levels", "[".repeat(1_000_000), "is not JSON"],
])("%s is refused", (_what, text, message) => {
  expect(() => read(text)).toThrow(`data.json ${message}`);
});

test("64 levels are read", () => {
  expect(read(`${"[".repeat(64)}${"]".repeat(64)}`).form).toHaveLength(128);
});

/** Spaces where JSON takes them. */
const spaced = (value: unknown): string => JSON.stringify(value, null, " ");

describeWith(opa, "the real OPA", (use) => {
  test("hashes the same of any JSON", () =>
    inFolder(async (folder) => {
      const text = fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: "binary" }).filter((made) => !/\p{Surrogate}/u.test(made)),
      );
      const { tree } = fc.letrec((tie) => ({
        tree: fc.oneof(
          { maxDepth: 4 },
          text,
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.integer(),
          fc.boolean(),
          fc.constant(null),
          fc.array(tie("tree"), { maxLength: 4 }),
          fc.dictionary(
            text.filter((name) => name !== "__proto__"),
            tie("tree"),
            { maxKeys: 5 },
          ),
        ),
      }));
      const samples = fc.sample(tree, 400).map(spaced);
      samples.push(
        '"\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f<>&\\"\\\\"',
        "[1.0, 1E+2, 1e-7, -0.0, 123456789012345678901234567890]",
      );
      for (const [index, sample] of samples.entries()) {
        await mkdir(join(folder, "in", `s${index}`), { recursive: true });
        await writeFile(join(folder, "in", `s${index}`, "data.json"), sample);
      }
      const secret = "0123456789abcdef0123456789abcdef";
      await run(use().program, [
        "sign",
        "-b",
        join(folder, "in"),
        "--signing-alg",
        "HS256",
        "--signing-key",
        secret,
        "-o",
        folder,
      ]);
      const [token] = JSON.parse(await readFile(join(folder, ".signatures.json"), "utf8")).signatures;
      const { files } = decodeJwt<{ files: { name: string; hash: string }[] }>(token);
      const theirs = new Map(files.map(({ name, hash }) => [/s(\d+)\/data\.json$/.exec(name)?.[1], hash]));
      expect(theirs.size).toBe(samples.length);
      for (const [index, sample] of samples.entries()) {
        expect([sample, theirs.get(String(index))]).toEqual([sample, sha256Hex(read(sample).form)]);
      }
    }));
});
