import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "../../src/bundle/archive.js";
import { historyTable } from "../../src/cli/policy_history.js";
import { messageOf } from "../../src/cli/terminal.js";
import { readAsked } from "../../src/history/asked.js";
import { readEvents } from "../../src/history/events.js";
import { openVersion } from "../../src/history/versions.js";
import { program } from "./fixture.js";

/** Clears a terminal, ends a line, begins a sequence in one character, turns the direction of text around. */
const hostile = "\u001b[2J\r\n\u009b1m\u202e";
const shown = "\\u{1b}[2J\\u{d}\\u{a}\\u{9b}1m\\u{202e}";
const raw = /[^\P{C}\n]/u;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-shown-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test("the table shows control characters of the history instead of sending them to the terminal", async () => {
  const line = { version: hostile, at: "2026-03-02T09:30:00.112Z", event: "loaded", files: [hostile], by: hostile };
  await writeFile(join(dir, "history.jsonl"), `${JSON.stringify({ ...line, previous: null })}\n`);
  const table = historyTable(await readEvents(dir));
  expect(table).not.toMatch(raw);
  const [head = "", row = "", ...more] = table.split("\n");
  expect(more).toEqual([]);
  expect(row).toBe(`*  ${shown}  2026-03-02T09:30:00.112Z  loaded  ${shown}  ${shown}`);
  expect(head.indexOf("files")).toBe(row.lastIndexOf(shown));
});

test("what a kept bundle is refused for shows them as well", async () => {
  const hex = "a".repeat(64);
  await writeFile(join(dir, `${hex}.tar.gz`), await pack(new Map([[hostile, Buffer.from("{}")]])));
  const refusal = await openVersion(dir, hex, program).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "unusable_version" });
  expect(messageOf(refusal)).toContain("\\u{9b}1m\\u{202e}");
  expect(messageOf(refusal)).not.toMatch(/\p{C}/u);
});

test.each([
  ["no JSON", hostile],
  ["of another form", JSON.stringify({ event: "released", [hostile]: 1 })],
])("and so does what is said of a roll-back that is %s", async (_what, text) => {
  await writeFile(join(dir, "rollback.json"), text);
  const message = messageOf(await readAsked(dir).catch((error: unknown) => error));
  expect(message).toContain("rollback.json cannot be read: ask again with `countersign policy rollback`: ");
  expect(message).not.toMatch(/\p{C}/u);
});
