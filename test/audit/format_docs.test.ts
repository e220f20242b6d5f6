import { readFileSync } from "node:fs";
import { join } from "node:path";
import { maxLineBytes } from "../../src/audit/fit.js";
import { type ChainHead, type HeadsStatement, maxHeadsBytes } from "../../src/audit/heads.js";
import type { Envelope, RecordDraft } from "../../src/audit/record.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/audit-format.md"), "utf8");

/** Every name of a type, which the compiler holds to it. */
const envelope: Record<keyof Envelope, true> = { seq: true, prev: true, writer: true, signature: true };
const kinds: Record<RecordDraft["kind"], true> = {
  decision: true,
  outcome: true,
  approval: true,
  policy: true,
  admin: true,
};
const statement: Record<keyof HeadsStatement, true> = { kind: true, timestamp: true, writer: true, heads: true };
const head: Record<keyof ChainHead, true> = { writer: true, seq: true, link: true };

test("the page has what every record has, and every kind", () => {
  expect(members("Records").filter((name) => name !== "kind")).toEqual(Object.keys(envelope));
  expect(named(row("Records", "kind"))).toEqual(Object.keys(kinds));
});

test("the page has what a statement of heads has", () => {
  expect(members("Statements of heads")).toEqual(Object.keys(statement));
  expect(/`\{(.*)\}`/.exec(row("Statements of heads", "heads"))?.[1]?.split(", ")).toEqual(Object.keys(head));
});

test("the page has the limits", () => {
  expect([maxLineBytes, maxHeadsBytes]).toEqual([1_048_576, 1_048_576]);
  expect(page).toContain("at most 1,048,576 bytes");
});

function section(title: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
}

function members(title: string): string[] {
  return [...section(title).matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);
}

function row(title: string, member: string): string {
  return new RegExp(`^\\| \`${member}\` \\| (.*) \\|$`, "m").exec(section(title))?.[1] ?? "";
}

function named(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
}
