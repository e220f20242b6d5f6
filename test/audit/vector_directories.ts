import { linkTo } from "../../src/audit/chain.js";
import { sealHeads } from "../../src/audit/heads.js";
import type { RecordDraft } from "../../src/audit/record.js";
import type { SigningKey } from "../../src/keys/signing_key.js";
import { decisionDraft, ed25519, hmac, policyDraft } from "./samples.js";
import { seal } from "./sealed.js";
import { headsOf, segmentOf } from "./tamper.js";

/** A directory as data: files by path, and where problems are, as `[file, line, seq]` (`seq` 0 = none is named). */
export interface VectorDirectory {
  name: string;
  files: Record<string, string>;
  /** Statements that the auditor kept. */
  kept?: Record<string, string>;
  require_heads?: true;
  problems: [file: string, line: number, seq: number][];
}

const one = "w1-01J9ZQ3V6C5R8N2K4M7P0T1S6X";
const two = "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6Y";
const absent = "w3-01J9ZQ3V6C5R8N2K4M7P0T1S6Z";

/** Numbers of RFC 8785 appendix B, and members that sort differently as bytes and as UTF-16. */
const odd = {
  numbers: [
    0, 5e-324, 1.7976931348623157e308, 9007199254740992, 295147905179352830000, 1e21, 1e23, 999999999999999700000,
  ],
  more: [0.000001, 1e-7, 333333333.3333332, 1424953923781206.2, -1.5],
  "\u20ac": 1,
  "\r": 2,
  "\ufb33": 3,
  "1": 4,
  "\u{1f600}": 5,
  "\u0080": 6,
  "\u00f6": 7,
  text: 'quote " backslash \\ slash / \b\t\n\f\r\u0000\u001f\u007f \u2028',
};

const changed: RecordDraft = {
  kind: "admin",
  timestamp: "2026-01-02T03:04:05.678Z",
  act: "audit_key_changed",
  by: "operator",
  agent_id: null,
  detail: {},
};

/** A chain of these drafts, each signed with the key beside it. */
function chain(writer: string, drafts: readonly (readonly [RecordDraft, SigningKey])[]): string[] {
  const lines: string[] = [];
  for (const [draft, key] of drafts) {
    const prev = lines.length === 0 ? null : linkTo(lines.at(-1) ?? "");
    lines.push(seal(draft, { seq: lines.length + 1, prev, writer, key }));
  }
  return lines;
}

const drafts = [policyDraft("1"), decisionDraft(odd), policyDraft("3"), decisionDraft({}), policyDraft("5"), changed];
const first = chain(
  one,
  drafts.map((draft) => [draft, ed25519]),
);
const second = chain(two, [
  [policyDraft("1"), hmac],
  [policyDraft("2"), hmac],
]);

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** What a writer states of chains, `minute` minutes after some hour. */
function heads(by: string, minute: number, ends: Record<string, readonly string[]>, key: SigningKey = ed25519): string {
  const stated = Object.entries(ends).map(([writer, lines]) => {
    return { writer, seq: lines.length, link: linkTo(lines.at(-1) ?? "") };
  });
  const timestamp = `2026-01-02T04:${String(minute).padStart(2, "0")}:00.000Z`;
  return text([sealHeads({ kind: "heads", timestamp, writer: by, heads: stated }, key)]);
}

const [a, b, c] = [segmentOf(one, 1), segmentOf(one, 3), segmentOf(one, 5)];
const d = segmentOf(two, 1);
const whole = {
  [a]: text(first.slice(0, 2)),
  [b]: text(first.slice(2, 4)),
  [c]: text(first.slice(4)),
  [headsOf(one)]: heads(one, 10, { [one]: first, [two]: second.slice(0, 1) }),
  [d]: text(second),
  [headsOf(two)]: heads(two, 9, { [two]: second, [one]: first.slice(0, 4) }, hmac),
};

/** The whole directory without some files, and with others. */
function but(files: Record<string, string | null>): Record<string, string> {
  const all = Object.entries({ ...whole, ...files }).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(all.sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** One chain and its statement. */
function alone(lines: readonly string[], stated = lines): Record<string, string> {
  return { [a]: text(lines), [headsOf(one)]: heads(one, 10, { [one]: stated }) };
}

const [, recordTwo = "", recordThree = "", recordFour = ""] = first;
const rewritten = chain(
  one,
  [...drafts.slice(0, 5), policyDraft("forged")].map((draft) => [draft, ed25519] as const),
);
const turned = (draft: RecordDraft, back: RecordDraft) =>
  chain(one, [
    [policyDraft("1"), ed25519],
    [draft, hmac],
    [back, ed25519],
  ]);
/** Not `stranger`, which is another one each time. */
const forger: SigningKey = {
  ...ed25519,
  signText: (data) => ed25519.signText(Buffer.concat([data, Buffer.from(" ")])),
};
const unknownKind = chain(one, [[{ ...policyDraft("1"), kind: "rumour" as "policy" }, ed25519]]);

export const vectorDirectories: VectorDirectory[] = [
  { name: "as two servers leave it", files: but({}), problems: [] },
  { name: "a newest segment that is still empty", files: but({ [segmentOf(one, 7)]: "" }), problems: [] },
  { name: "a key that was replaced", files: alone(turned(changed, policyDraft("3")).slice(0, 2)), problems: [] },
  { name: "a key that comes back, and a record says so", files: alone(turned(changed, changed)), problems: [] },
  { name: "records after the statement", files: alone(first, first.slice(0, 3)), problems: [] },
  { name: "no statements", files: but({ [headsOf(one)]: null, [headsOf(two)]: null }), problems: [] },
  {
    name: "no statements, where they are required",
    files: but({ [headsOf(one)]: null, [headsOf(two)]: null }),
    require_heads: true,
    problems: [
      [one, 0, 0],
      [two, 0, 0],
    ],
  },
  {
    name: "a changed record",
    files: but({ [a]: text(first.slice(0, 2)).replace("staging", "staginG") }),
    problems: [[a, 2, 2]],
  },
  {
    name: "a number in another spelling",
    files: but({ [a]: text(first.slice(0, 2)).replace("1e-7", "0.0000001") }),
    problems: [[a, 2, 2]],
  },
  {
    name: "members sorted as bytes",
    files: but({ [a]: text(first.slice(0, 2)).replace(/("\u{1f600}":5),("\ufb33":3)/u, "$2,$1") }),
    problems: [[a, 2, 2]],
  },
  { name: "a deleted record", files: but({ [b]: text([recordFour]) }), problems: [[b, 1, 4]] },
  {
    name: "swapped records",
    files: but({ [b]: text([recordFour, recordThree]) }),
    problems: [
      [b, 1, 4],
      [b, 2, 3],
      [c, 1, 5],
    ],
  },
  { name: "a record twice", files: but({ [a]: text([...first.slice(0, 2), recordTwo]) }), problems: [[a, 3, 2]] },
  { name: "the first segment is missing", files: but({ [a]: null }), problems: [[b, 1, 3]] },
  { name: "a segment is missing", files: but({ [b]: null }), problems: [[c, 1, 5]] },
  { name: "the last segment is missing", files: but({ [c]: null }), problems: [[b, 0, 6]] },
  { name: "the last record is missing", files: but({ [c]: text(first.slice(4, 5)) }), problems: [[c, 0, 6]] },
  {
    name: "the last record is torn",
    files: but({ [c]: text(first.slice(4)).slice(0, -1) }),
    problems: [
      [c, 2, 6],
      [c, 0, 6],
    ],
  },
  {
    name: "a whole writer is missing",
    files: but({ [d]: null, [headsOf(two)]: null }),
    problems: [[headsOf(one), 1, 1]],
  },
  {
    name: "the last record is rewritten with the key",
    files: but({ [c]: text(rewritten.slice(4)) }),
    problems: [[c, 2, 6]],
  },
  {
    name: "a record that another key signed",
    files: alone(chain(one, [[policyDraft("1"), forger]]), first.slice(0, 1)),
    problems: [
      [a, 1, 1],
      [a, 0, 1],
    ],
  },
  { name: "a record of an unknown kind", files: alone(unknownKind), problems: [[a, 1, 1]] },
  {
    name: "a key that comes back without a word",
    files: alone(turned(changed, policyDraft("3"))),
    problems: [[a, 3, 3]],
  },
  {
    name: "a segment under another name",
    files: but({ [b]: null, [segmentOf(one, 4)]: text(first.slice(2, 4)) }),
    problems: [[segmentOf(one, 4), 1, 3]],
  },
  { name: "an empty file", files: but({ [segmentOf(one, 8)]: "" }), problems: [[segmentOf(one, 8), 0, 0]] },
  {
    name: "a file with no segment's name",
    files: but({ [`${one}/more.jsonl`]: "" }),
    problems: [[`${one}/more.jsonl`, 0, 0]],
  },
  {
    name: "a statement of another writer",
    files: but({ [headsOf(two)]: whole[headsOf(one)] ?? "" }),
    problems: [[headsOf(two), 1, 0]],
  },
  {
    name: "a changed statement",
    files: but({ [headsOf(one)]: String(whole[headsOf(one)]).replace('"seq":6', '"seq":5') }),
    problems: [[headsOf(one), 1, 0]],
  },
  {
    name: "a statement without its newline",
    files: but({ [headsOf(one)]: String(whole[headsOf(one)]).trimEnd() }),
    problems: [[headsOf(one), 0, 0]],
  },
  {
    name: "a statement about a writer that is not there",
    files: but({ [headsOf(one)]: heads(one, 10, { [one]: first, [absent]: second }) }),
    problems: [[headsOf(one), 1, 2]],
  },
  {
    name: "a statement that goes back",
    files: but({}),
    kept: { [`${two}/heads-20260102T040800Z.json`]: heads(two, 8, { [two]: second, [one]: first.slice(0, 5) }, hmac) },
    problems: [[headsOf(two), 1, 4]],
  },
  {
    name: "records and statement of an earlier time",
    files: alone(first.slice(0, 3)),
    kept: { "kept.heads": heads(one, 30, { [one]: first }) },
    problems: [
      [a, 0, 6],
      [headsOf(one), 1, 3],
    ],
  },
  {
    name: "an older statement alone",
    files: alone(first, first.slice(0, 3)),
    kept: { "kept.heads": heads(one, 30, { [one]: first }) },
    problems: [[headsOf(one), 1, 3]],
  },
];
