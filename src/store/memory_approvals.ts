import { decodeApproval, encodeAnswer, encodeDraft } from "./approval_codec.js";
import { ExpiringMap } from "./expiring_map.js";
import { bySoonest, byTurns } from "./pending.js";
import { questionOf } from "./question.js";
import {
  type AnswerResult,
  type Approval,
  type ApprovalAnswer,
  type ApprovalDraft,
  type ApprovalFilter,
  type ApprovalStatus,
  approvalRetentionMs,
  type Marked,
  maxScanned,
  type SettleResult,
  StoreUnavailable,
} from "./store.js";

interface Entry {
  id: string;
  agent: string;
  fingerprint: string;
  /** Key under which it is pending. */
  question: string;
  quorum: number;
  /** As last written; `pending` and `approved` turn into `expired` by the clock alone. */
  written: ApprovalStatus;
  createdAtMs: number;
  expiresAtMs: number;
  draft: string;
  answers: string[];
  people: Set<string>;
  marks: Map<string, string>;
}

/** The approvals of a memory store. */
export class MemoryApprovals {
  private readonly byId = new ExpiringMap<string, Entry>();
  private readonly pending = new ExpiringMap<string, Entry>();
  /** The pending approvals of each agent, by id. */
  private readonly waiting = new ExpiringMap<string, Map<string, Entry>>();

  open(draft: ApprovalDraft, maxPending: number, nowMs: number): SettleResult["approval"] {
    const question = JSON.stringify([draft.agent, questionOf(draft)]);
    const known = this.pending.get(question, nowMs);
    if (known) return { outcome: "opened", fresh: false, id: known.id, expiresAtMs: known.expiresAtMs };
    const waiting = this.waitingOf(draft.agent, nowMs);
    if (waiting.size >= maxPending) {
      const [first = nowMs] = [...waiting.values()].map(({ expiresAtMs }) => expiresAtMs).sort((a, b) => a - b);
      return { outcome: "exceeded", retryAfterMs: first - nowMs };
    }
    if (this.byId.get(draft.id, nowMs)) throw new StoreUnavailable("the approval id is taken");
    const entry: Entry = {
      id: draft.id,
      agent: draft.agent,
      fingerprint: draft.fingerprint,
      question,
      quorum: draft.quorum,
      written: "pending",
      createdAtMs: nowMs,
      expiresAtMs: nowMs + draft.expiresInMs,
      draft: encodeDraft(draft),
      answers: [],
      people: new Set(),
      marks: new Map(),
    };
    this.byId.set(entry.id, entry, entry.expiresAtMs + approvalRetentionMs, nowMs);
    this.pending.set(question, entry, entry.expiresAtMs, nowMs);
    waiting.set(entry.id, entry);
    const lastMs = Math.max(...[...waiting.values()].map(({ expiresAtMs }) => expiresAtMs));
    this.waiting.set(entry.agent, waiting, lastMs, nowMs);
    return { outcome: "opened", fresh: true, id: entry.id, expiresAtMs: entry.expiresAtMs };
  }

  redeem(agent: string, id: string, fingerprint: string, nowMs: number): SettleResult["approval"] {
    const entry = this.byId.get(id, nowMs);
    if (!entry || entry.agent !== agent) return { outcome: "refused", why: "not_found" };
    if (entry.fingerprint !== fingerprint) return { outcome: "refused", why: "mismatch" };
    const status = statusAt(entry, nowMs);
    if (status === "expired" || status === "consumed") return { outcome: "refused", why: status };
    if (status !== "approved") return { outcome: "refused", why: "not_approved" };
    entry.written = "consumed";
    return { outcome: "redeemed" };
  }

  answer(id: string, answer: ApprovalAnswer, nowMs: number): AnswerResult {
    const entry = this.byId.get(id, nowMs);
    if (!entry) return { outcome: "not_found", approval: null };
    const outcome = record(entry, answer, nowMs);
    if (entry.written !== "pending") {
      this.pending.delete(entry.question);
      this.waiting.get(entry.agent, nowMs)?.delete(entry.id);
    }
    return { outcome, approval: show(entry, nowMs) };
  }

  mark(id: string, agent: string, name: string, value: string, nowMs: number): Marked | null {
    const entry = this.byId.get(id, nowMs);
    if (!entry || entry.agent !== agent) return null;
    const known = entry.marks.get(name);
    if (known !== undefined) return { first: false, value: known };
    entry.marks.set(name, value);
    return { first: true, value };
  }

  marked(id: string, agent: string, name: string, nowMs: number): string | null {
    const entry = this.byId.get(id, nowMs);
    return (entry?.agent === agent && entry.marks.get(name)) || null;
  }

  /** How many approvals of the agent wait for people. */
  pendingOf(agent: string, nowMs: number): number {
    return this.waitingOf(agent, nowMs).size;
  }

  get(id: string, agent: string | undefined, nowMs: number): Approval | null {
    const entry = this.byId.get(id, nowMs);
    return entry && (agent === undefined || entry.agent === agent) ? show(entry, nowMs) : null;
  }

  list(filter: ApprovalFilter, nowMs: number): Approval[] {
    if (filter.status === "pending") return this.listPending(filter, nowMs);
    return [...this.byId.values(nowMs)]
      .filter((entry) => filter.agent === undefined || entry.agent === filter.agent)
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
      .slice(0, maxScanned)
      .filter((entry) => filter.status === undefined || statusAt(entry, nowMs) === filter.status)
      .slice(0, filter.limit)
      .map((entry) => show(entry, nowMs));
  }

  private listPending({ agent, limit }: ApprovalFilter, nowMs: number): Approval[] {
    const lists = agent === undefined ? [...this.waiting.values(nowMs)] : [this.waitingOf(agent, nowMs)];
    const soonest = lists
      .flatMap((waiting) => [...waiting.values()])
      .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
      .sort(bySoonest)
      .slice(0, maxScanned);
    const chosen = byTurns(soonest).slice(0, limit).sort(bySoonest);
    return chosen.map((entry) => show(entry, nowMs));
  }

  private waitingOf(agent: string, nowMs: number): Map<string, Entry> {
    const waiting = this.waiting.get(agent, nowMs) ?? new Map<string, Entry>();
    for (const [id, { expiresAtMs }] of waiting) if (expiresAtMs <= nowMs) waiting.delete(id);
    return waiting;
  }
}

function record(entry: Entry, answer: ApprovalAnswer, nowMs: number): AnswerResult["outcome"] {
  const status = statusAt(entry, nowMs);
  if (status === "expired") return "expired";
  if (answer.decision === "revoke") {
    if (status !== "pending" && status !== "approved") return "conflict";
    entry.answers.push(encodeAnswer(answer));
    entry.written = "denied";
    return "revoked";
  }
  if (status !== "pending" || entry.people.has(answer.approver)) return "conflict";
  entry.people.add(answer.approver);
  entry.answers.push(encodeAnswer(answer));
  if (answer.decision === "deny") {
    entry.written = "denied";
    return "denied";
  }
  if (entry.answers.length < entry.quorum) return "recorded";
  entry.written = "approved";
  return "approved";
}

function statusAt(entry: Entry, nowMs: number): ApprovalStatus {
  const ends = entry.written === "pending" || entry.written === "approved";
  return ends && nowMs >= entry.expiresAtMs ? "expired" : entry.written;
}

function show(entry: Entry, nowMs: number): Approval {
  return decodeApproval({ ...entry, status: statusAt(entry, nowMs) });
}
