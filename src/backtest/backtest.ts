import { callsIn, isOmitted, type RecordedDecision, type RecordedView } from "../audit/form.js";
import { type ReadOptions, type RecordFile, readDecisions } from "../audit/read.js";
import { type Span, within } from "../audit/span.js";
import { describe } from "../evaluate/messages.js";
import { letsThrough, type Verdict } from "../verdict.js";
import { type Change, changeOf, couldBeAllowed, differs } from "./compare.js";
import { type Candidate, type Reading, rejudge } from "./rejudge.js";

export interface BacktestOptions {
  span: Span;
  /** Only calls of this agent; `null` = of all. */
  agent: string | null;
  /** Told of every call that the candidate would judge otherwise, and of every undecidable one. */
  found: (finding: Finding) => void;
  done?: NonNullable<ReadOptions["done"]>;
}

/** A verdict with its reason and the sentence of its first broken rule. */
export interface Said {
  verdict: Verdict;
  reason: string;
  message?: string;
}

/** One view, before and after; `null` where it cannot be told. */
export interface ViewChange {
  before: Said | null;
  after: Said | null;
  differs: boolean;
}

/** A call that the candidate judges otherwise, or that cannot be judged again. */
export interface Finding {
  change: Exclude<Change, "unchanged">;
  decision_id: string;
  timestamp: string;
  agent: string | null;
  tool: string | null;
  action: string | null;
  /** What is done about the call. */
  enforced: ViewChange;
  /** As if every rule were enforced. */
  computed: ViewChange;
  /** Why it is undecidable, in one view at least. */
  why: string[];
}

export interface Summary {
  policy_version: string;
  /** Calls judged again: the sum of the four that follow. */
  replayed: number;
  unchanged: number;
  newly_allowed: number;
  newly_denied: number;
  changed: number;
  undecidable: number;
  /** Of the undecidable: not let through at the time, and nobody can tell whether the candidate would do so. */
  could_be_allowed: number;
  /** Decisions that the policies were not asked about: refused before, or in a failure. */
  not_replayable: number;
  /** Refused calls that were counted together, of which no record tells what they asked for. */
  aggregated: number;
  /** Places of lines that were not finished. */
  torn: string[];
}

/**
 * Judges recorded calls by other policies. Only the policies: limits and approvals of people depend on what went before.
 * Throws `UnreadableRecord`.
 */
export async function backtest(
  files: readonly RecordFile[],
  candidate: Candidate,
  { span, agent, found, done }: BacktestOptions,
): Promise<Summary> {
  const counts = { unchanged: 0, newly_allowed: 0, newly_denied: 0, changed: 0, undecidable: 0 };
  let [couldAllow, notReplayable, aggregated] = [0, 0, 0];
  const torn: string[] = [];
  const options = { torn: (place: string) => void torn.push(place), ...(done && { done }) };
  for await (const { record } of readDecisions(files, options)) {
    if (!within(span, record.timestamp) || (agent !== null && record.agent_id !== agent)) continue;
    if (record.aggregated) {
      aggregated += callsIn(record);
      continue;
    }
    if (record.opa_decision === null) {
      notReplayable += 1;
      continue;
    }
    const { finding, change, mayAllow } = await replay(record, record.opa_decision, candidate);
    counts[change] += 1;
    if (mayAllow) couldAllow += 1;
    if (finding) found(finding);
  }
  const { undecidable, ...judged } = counts;
  return {
    policy_version: candidate.policies.version,
    replayed: Object.values(judged).reduce((sum, count) => sum + count, 0),
    ...judged,
    undecidable,
    could_be_allowed: couldAllow,
    not_replayable: notReplayable,
    aggregated,
    torn,
  };
}

interface Replayed {
  change: Change;
  mayAllow: boolean;
  /** Absent when nothing changes. */
  finding?: Finding;
}

async function replay(
  record: RecordedDecision,
  asked: NonNullable<RecordedDecision["opa_decision"]>,
  candidate: Candidate,
): Promise<Replayed> {
  const { decision_id, timestamp, agent_id: agent, tool, action } = record;
  const call = { decision_id, timestamp, agent, tool, action };
  if (isOmitted(asked.result)) {
    const unknown = { before: null, after: null, differs: false };
    const why = ["the policies' answer was too large for the record"];
    return {
      change: "undecidable",
      mayAllow: !letsThrough(record.decision),
      finding: { change: "undecidable", ...call, enforced: unknown, computed: unknown, why },
    };
  }
  const { decision, enforced } = asked.result;
  const after = await rejudge(asked, candidate);
  const change = changeOf(asked.result, after);
  const mayAllow = couldBeAllowed(enforced, after.enforced);
  if (change === "unchanged") return { change, mayAllow };
  const why = [after.enforced, after.computed].flatMap((reading) => ("view" in reading ? [] : reading.undecidable));
  return {
    change,
    mayAllow,
    finding: {
      change,
      ...call,
      enforced: viewChange(enforced, after.enforced),
      computed: viewChange(decision, after.computed),
      why: [...new Set(why)],
    },
  };
}

function viewChange(before: RecordedView, after: Reading): ViewChange {
  const [first] = before.violations.map(describe);
  const said = { verdict: before.verdict, reason: before.reason, ...(first && { message: first.message }) };
  return { before: said, after: "view" in after ? saidBy(after.view) : null, differs: differs(before, after) };
}

function saidBy({ verdict, reason, violations }: Extract<Reading, { view: unknown }>["view"]): Said {
  const [first] = violations;
  return { verdict, reason, ...(first && { message: first.message }) };
}
