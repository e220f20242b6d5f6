import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { repository } from "./harness/programs.js";

const run = promisify(execFile);

/** What `make lint` says of a `src/` with these files; empty when nothing. */
async function violations(files: Record<string, string>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-shape-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    await writeFile(join(folder, "package.json"), '{"type": "module"}');
    for (const name of [".dependency-cruiser.cjs", "tsconfig.json", "node_modules"]) {
      await symlink(join(repository, name), join(folder, name));
    }
    const cruiser = join(repository, "node_modules", ".bin", "depcruise");
    const args = ["--config", ".dependency-cruiser.cjs", "--output-type", "err", "src"];
    const output = await run(cruiser, args, { cwd: folder }).then(
      () => "",
      (error: { stdout: string }) => error.stdout,
    );
    return [...output.matchAll(/error (\S+): (\S+)/g)].map(([, rule = "", file = ""]) => `${rule} ${file}`).sort();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const pipeline = 'import "./read/index.js";\nimport "./decode/index.js";\n';
const sound = {
  "src/pipeline.ts": pipeline,
  "src/verdict.ts": "export const a = 1;\n",
  "src/read/index.ts": 'import "../verdict.js";\n',
  "src/decode/index.ts": 'import "./path.js";\n',
  "src/decode/path.ts": "export const b = 1;\n",
};

test.each<[string, Record<string, string>, string[]]>([
  ["nothing is wrong", {}, []],
  [
    "a stage imports another",
    { "src/read/index.ts": 'import "../decode/path.js";\n' },
    ["no-orphans src/verdict.ts", "stages-apart src/read/index.ts"],
  ],
  [
    "a stage imports only a type of another",
    {
      "src/read/index.ts":
        'import "../verdict.js";\nimport type { b } from "../decode/path.js";\nexport type B = typeof b;\n',
    },
    ["stages-apart src/read/index.ts"],
  ],
  [
    "two modules import each other",
    { "src/decode/path.ts": 'import "./index.js";\n' },
    ["no-cycles src/decode/index.ts"],
  ],
  [
    "a shared word imports a folder",
    { "src/verdict.ts": 'import "./decode/path.js";\n' },
    ["words-import-nothing src/verdict.ts"],
  ],
  ["nobody imports a module", { "src/decode/left.ts": "export const c = 1;\n" }, ["no-orphans src/decode/left.ts"]],
])("%s", async (_what, changes, wanted) => {
  expect(await violations({ ...sound, ...changes })).toEqual(wanted);
});
