import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.js";
import { InvalidFile } from "../../src/files/located_yaml.js";
import { expectUpToDate } from "../harness/golden.js";
import { repository } from "../harness/programs.js";

/*
 * Each file of `bad/` breaks one rule and ends with the messages that it gets, as comments of the form
 * `# line:column: key: message`. UPDATE=1 writes them.
 */
const folder = "test/config/bad";
const files = readdirSync(join(repository, folder)).sort();

test.each(files)("%s", (name) => {
  const path = join(folder, name);
  const text = readFileSync(join(repository, path), "utf8").replace(/(^# \d+:\d+: .*\n)+$/m, "");
  const messages = mistakesIn(join(repository, path)).map((message) => `# ${message}\n`);
  expect(messages).not.toEqual([]);
  expectUpToDate(path, text + messages.join(""));
});

/** Without the file's name, which every message begins with. */
function mistakesIn(path: string): string[] {
  try {
    loadConfig(path, {});
    return [];
  } catch (error) {
    if (!(error instanceof InvalidFile)) throw error;
    return error.message.split("\n").map((line) => {
      expect(line.startsWith(`${path}:`)).toBe(true);
      return line.slice(path.length + 1);
    });
  }
}

test("a file that cannot be read says how to get a first one", () => {
  expect(mistakesIn("/nowhere/countersign.yaml")).toEqual([
    "1:1: cannot be read; write a first one with `countersign init`",
  ]);
  expect(mistakesIn(repository)).toEqual(["1:1: cannot be read; write a first one with `countersign init`"]);
});
