import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AdminRecord,
  type ApprovalRecord,
  adminActs,
  type Envelope,
  type RecordDraft,
} from "../../src/audit/record.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/audit.md"), "utf8");

/** Every name of a type, which the compiler holds to it. */
const envelope: Record<keyof Envelope, true> = { seq: true, prev: true, writer: true, signature: true };
const kinds: Record<RecordDraft["kind"], true> = {
  decision: true,
  outcome: true,
  approval: true,
  policy: true,
  admin: true,
};
const members: Record<keyof AdminRecord, true> = {
  kind: true,
  timestamp: true,
  act: true,
  by: true,
  agent_id: true,
  detail: true,
};
const answerMembers: Record<keyof ApprovalRecord, true> = {
  kind: true,
  timestamp: true,
  approval_id: true,
  agent_id: true,
  session_id: true,
  deployment_id: true,
  fingerprint: true,
  approver: true,
  decision: true,
  comment: true,
  outcome: true,
  proof: true,
};
const answers: Record<ApprovalRecord["decision"], true> = { approve: true, deny: true, revoke: true };
const outcomes: Record<ApprovalRecord["outcome"], true> = {
  approved: true,
  denied: true,
  recorded: true,
  revoked: true,
  void: true,
};

test("the page has every kind of record", () => {
  const sentence = /^`kind` is (.*?)\.$/ms.exec(page)?.[1] ?? "";
  const named = sentence.replace(/\(.*?\)/gs, "").matchAll(/`(\w+)`/g);
  expect([...named].map(([, kind]) => kind).sort()).toEqual(Object.keys(kinds).sort());
});

test("the page has the members that every record has", () => {
  expect(column("A record", "member")).toEqual(Object.keys(envelope));
});

test("the page has every member of records of kind admin, and every act", () => {
  expect(column("Agents and tokens", "member")).toEqual(Object.keys(members));
  expect(column("Agents and tokens", "act")).toEqual([...adminActs]);
});

test("the page has every member of records of kind approval, every answer and every outcome", () => {
  expect(column("Answers of people", "member")).toEqual(Object.keys(answerMembers));
  expect(column("Answers of people", "outcome")).toEqual(Object.keys(outcomes));
  const said = /^\| `decision` \| (.*) \|$/m.exec(page)?.[1] ?? "";
  expect([...said.matchAll(/`(\w+)`/g)].map(([, answer]) => answer)).toEqual(Object.keys(answers));
});

/** What stands first in the rows of a section's table. */
function column(section: string, head: string): string[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  const table = text.split("\n\n").find((part) => part.startsWith(`| ${head} |`)) ?? "";
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);
}
