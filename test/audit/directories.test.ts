import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openHeads } from "../../src/audit/file_source.js";
import { verifyFiles } from "../../src/audit/verify.js";
import { findGoVerifier } from "../harness/find_go_verifier.js";
import { expectUpToDate } from "../harness/golden.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { makeFolder } from "./large_chain.js";
import { ed25519, hmac } from "./samples.js";
import { askOnce, placesOf } from "./second_verifier.js";
import { type VectorDirectory, vectorDirectories } from "./vector_directories.js";

const go = await requirePart("the second verifier", findGoVerifier);

const jwks = {
  ed25519: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
  hmac: { kty: "oct", k: Buffer.from("an HMAC key of 32 bytes, no more").toString("base64url") },
};

let top: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), "audit-vectors-"));
});
afterEach(() => rm(top, { recursive: true }));

async function lay(name: string, files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await makeFolder(dirname(join(top, name, path)));
    await writeFile(join(top, name, path), text);
  }
  return join(top, name);
}

async function laid({ files, kept = {} }: VectorDirectory) {
  const dir = await lay("audit", files);
  const heads = Object.keys(kept).length > 0 ? [await lay("kept", kept)] : [];
  return { dir, heads };
}

const cases = vectorDirectories.map((directory) => [directory.name, directory] as const);
const wanted = (dir: string, { problems }: VectorDirectory) =>
  problems.map(([file, line, seq]) => `${join(dir, file)}:${line}:${seq}`).sort();

test("the vectors are what is checked here", () => {
  const about = [
    "Audit directories that hold, and that do not (docs/audit-format.md). 'files' are their files, by path, in UTF-8.",
    "'kept' are files with statements of heads that the auditor kept elsewhere. 'problems' are all places where a problem is to be",
    "found, as [file, line, seq]: line 0 is the file as a whole, seq 0 means that none is named. None = the directory holds.",
    "The keys are for nothing else.",
  ];
  const text = JSON.stringify({ about, keys: jwks, directories: vectorDirectories }, null, 1);
  expectUpToDate("test/vectors/audit/directories.json", `${text}\n`);
});

test.each(cases)("%s", async (_, directory) => {
  const { dir, heads } = await laid(directory);
  const options = { heads: await openHeads(heads), requireHeads: directory.require_heads ?? false };
  const { problems } = await verifyFiles([dir], [ed25519, hmac], options);
  expect(placesOf(problems)).toEqual(wanted(dir, directory));
});

describeWith(go, "the second verifier", (program) => {
  test.each(cases)("%s", async (_, directory) => {
    const { dir, heads } = await laid(directory);
    const keys = await lay("keys", { "1.jwk": JSON.stringify(jwks.ed25519), "2.jwk": JSON.stringify(jwks.hmac) });
    const files = ["1.jwk", "2.jwk"].map((name) => join(keys, name));
    const asked = { paths: [dir], heads, require_heads: directory.require_heads ?? false };
    const { ok, problems } = await askOnce(program(), files, asked);
    expect({ ok, places: placesOf(problems) }).toEqual({
      ok: directory.problems.length === 0,
      places: wanted(dir, directory),
    });
  });
});
