import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../harness/programs.js";
import { countersign, type Ran } from "./run.js";

/** Commands that a help page lists. */
function listed({ stdout }: Ran): string[] {
  const commands = stdout.split("\nCommands:\n")[1]?.split("\n\n")[0] ?? "";
  return [...commands.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1] ?? "").filter((name) => name !== "help");
}

/** The help of a command and of everything below it, by command line. */
async function helpBelow(path: readonly string[]): Promise<[string, Ran][]> {
  const own = await countersign([...path, "--help"]);
  const below = await Promise.all(listed(own).map((name) => helpBelow([...path, name])));
  return [[path.join(" "), own], ...below.flat()];
}

const pages = new Map(await helpBelow([]));

test("these are the commands", () => {
  expect([...pages.keys()].sort()).toEqual([
    "",
    "agent",
    "agent create",
    "agent disable",
    "agent enable",
    "agent key",
    "agent list",
    "agent rotate-key",
    "agent show",
    "approvals",
    "approvals approve",
    "approvals deny",
    "approvals list",
    "approvals revoke",
    "approvals show",
    "attest",
    "attest key",
    "audit",
    "audit answer",
    "audit fetch",
    "audit query",
    "audit scopes",
    "audit verify",
    "backtest",
    "init",
    "log",
    "log level",
    "policy",
    "policy build",
    "policy diff",
    "policy explain",
    "policy history",
    "policy key",
    "policy lint",
    "policy rollback",
    "policy test",
    "report",
    "serve",
    "token",
  ]);
});

test.each([...pages])("countersign %s --help exits 0 and shows how it is used", (path, { code, stdout, stderr }) => {
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^Usage: ${["countersign", path].join(" ").trim()} `));
  expect(stdout).toMatch(new RegExp(`\nExample:\n  countersign ${path}`));
});

test.each(
  [...pages.keys()].filter(
    (path) => path !== "" && !["agent", "approvals", "audit", "log", "policy", "serve"].includes(path),
  ),
)("countersign %s can answer a program", (path) => expect(pages.get(path)?.stdout).toContain("--json"));

test("the version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  expect(await countersign(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});
