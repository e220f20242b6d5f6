import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bounds } from "../../src/bundle/archive.js";
import { loadConfig } from "../../src/config/load.js";
import { repository } from "../harness/programs.js";
import { freshEntries, inFolder } from "./fixture.js";

const page = readFileSync(join(repository, "docs/bundles.md"), "utf8");

test("the examples load", () =>
  inFolder(async (folder) => {
    const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? "");
    expect(examples).toHaveLength(2);
    for (const example of examples) {
      await writeFile(join(folder, "countersign.yaml"), example);
      expect(() => loadConfig(join(folder, "countersign.yaml"), {})).not.toThrow();
    }
  }));

test("the page names every file of a bundle, and the bound", async () => {
  const names = [...(await freshEntries()).keys()].map((name) =>
    name.replace(/^countersign\/.*/, "countersign/*.rego"),
  );
  for (const name of names) expect(page).toContain(`\`${name}\``);
  expect(page).toContain(`${bounds.unpackedBytes / 1024 / 1024} MiB`);
});
