import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../harness/programs.js";
import { countersign, temporaryFolder } from "./run.js";

const page = readFileSync(join(repository, "docs/cli.md"), "utf8");

interface Step {
  command: string;
  /** `...` stands for any text. */
  output: string;
}

/** The commands of all `console` blocks, in order, each with what it is to print. */
const steps: Step[] = [...page.matchAll(/^```console\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = "", ...output] = text.split("\n");
      return { command, output: output.join("\n").trimEnd() };
    }),
);

test("the commands of the page do and print what it says", async () => {
  const { folder, undo } = await temporaryFolder();
  let last: number | null = 0;
  for (const { command, output } of steps) {
    const printed = await run(command);
    const form = output.split("...").map(escaped);
    expect({ command, printed }).toEqual({
      command,
      printed: expect.stringMatching(new RegExp(`^${form.join("[^]*")}$`)),
    });
  }
  await undo();

  async function run(command: string): Promise<string> {
    if (command === "echo $?") return String(last);
    if (!command.startsWith("countersign ")) {
      return (await promisify(execFile)("/bin/sh", ["-c", command], { cwd: folder })).stdout.trimEnd();
    }
    const args = [...command.slice("countersign ".length).matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare ?? "",
    );
    const { code, stdout, stderr } = await countersign(args, { cwd: folder });
    last = code;
    return `${stdout}${stderr}`.trimEnd();
  }
});

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

test("the page has a section for every command that does something", async () => {
  const sections = [...page.matchAll(/^## `(.*)`$/gm)].map((match) => match[1] ?? "");
  const rows = [...page.matchAll(/^\| `([a-z][a-z -]*)` \|/gm)].map((match) => match[1] ?? "");
  expect(sections).toEqual(rows);
  for (const command of sections) {
    const { code, stdout } = await countersign([...command.split(" "), "--help"]);
    expect({ command, code, usage: stdout.startsWith(`Usage: countersign ${command} `) }).toEqual({
      command,
      code: 0,
      usage: true,
    });
  }
  const { stdout } = await countersign(["--help"]);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*/gm)].map((match) => match[1] ?? "");
  const told = new Set(sections.map((command) => command.split(" ")[0]));
  expect([...new Set(commands)].filter((name) => !["help", "countersign"].includes(name)).sort()).toEqual(
    [...told].sort(),
  );
  const inGroups = sections.filter((command) => command.includes(" "));
  const found: string[] = [];
  for (const group of new Set(inGroups.map((command) => command.split(" ")[0] ?? ""))) {
    const { stdout: help } = await countersign([group, "--help"]);
    const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(help)?.[1] ?? "";
    found.push(...[...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => `${group} ${name}`));
  }
  expect(found.filter((command) => !command.endsWith(" help")).sort()).toEqual(inGroups.sort());
});
