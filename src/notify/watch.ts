import type { ApprovalView } from "../approvals/view.js";
import type { Runtime } from "../runtime.js";
import type { Approval, ApprovalStatus, Store } from "../store/store.js";
import { type AnnounceDeps, announce, type Known } from "./announce.js";
import type { ApprovalNotice } from "./notice.js";
import type { Timing } from "./timing.js";

/**
 * Pending approvals that a look sees, those of each agent that end first, and how many of the newest the first look goes
 * back over.
 */
const mostPending = 1_000;
const mostBefore = 200;
/** Beyond so many, further ones are seen to once there is room. */
const mostKnown = 5_000;
/** How far our clock may be ahead of the store's, which decides what has expired, before we ask it again and again. */
const slackMs = 1_000;
/** So long we see to it that an end is told. */
const endMs = 3_600_000;

export interface WatchDeps extends Omit<AnnounceDeps, "graceMs"> {
  store: Pick<Store, "approvals" | "approval" | "marked" | "once">;
  runtime: Pick<Runtime, "now" | "monotonicMicros">;
  timing: Timing;
  /** `null` when all is well again. */
  onTrouble: (error: unknown) => void;
}

/**
 * Sees to it that what happens to approvals is told, also when the process that should tell it is gone: what was opened and
 * nobody told, what is due for escalation, what has ended. It makes one request to the store at a time.
 */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | null = null;
  #nextLookMs = Number.NEGATIVE_INFINITY;
  #hasLookedBack = false;
  #closed = false;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#schedule();
  }

  /** A pending approval was met: what is to happen to it is told in time, also when it is over before the next look. */
  see(approval: ApprovalView): void {
    if (this.#known.has(approval.id)) return;
    const { id, requested_by, created_at, escalation, expires_at } = approval;
    this.#learn({
      id,
      agent: requested_by.agent,
      openedMs: Date.parse(created_at),
      escalatesMs: escalation ? Date.parse(escalation.at) : null,
      expiresMs: Date.parse(expires_at),
      endTellMs: null,
      seenPending: true,
      settled: new Set(),
    });
    if (this.#turn === null) this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  #clockMs(): number {
    return this.#deps.runtime.monotonicMicros() / 1000;
  }

  #schedule(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const nowMs = this.#deps.runtime.now();
    const dues = [...this.#known.values()].flatMap(duesOf).filter((ms) => ms > nowMs);
    const inMs = Math.min(this.#nextLookMs - this.#clockMs(), ...dues.map((ms) => ms - nowMs));
    this.#timer = setTimeout(
      () => {
        this.#turn = this.#run().finally(() => {
          this.#turn = null;
          this.#schedule();
        });
      },
      Math.max(Math.ceil(inMs), 1),
    ).unref();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      if (this.#clockMs() >= this.#nextLookMs) {
        this.#nextLookMs = this.#clockMs() + this.#deps.timing.lookMs;
        await this.#look();
      }
      for (const known of [...this.#known.values()]) {
        if (this.#closed) return;
        await this.#attend(known);
      }
      this.#deps.onTrouble(null);
    } catch (error) {
      this.#deps.onTrouble(error);
    }
  }

  async #look(): Promise<void> {
    const { store, runtime, timing } = this.#deps;
    const pending = await store.approvals({ status: "pending", limit: mostPending });
    const nowMs = runtime.now();
    // Who has ended it tells that; what ends by itself nobody tells but us.
    const endTellMs = nowMs + timing.graceMs;
    const ids = new Set(pending.map(({ id }) => id));
    for (const known of this.#known.values()) {
      if (!ids.has(known.id)) known.endTellMs ??= nowMs >= known.expiresMs ? nowMs : endTellMs;
    }
    for (const approval of pending) this.#learn(knownOf(approval));
    if (this.#hasLookedBack) return;
    for (const approval of await store.approvals({ limit: mostBefore })) {
      if (approval.status !== "pending") this.#learn({ ...knownOf(approval), seenPending: false, endTellMs });
    }
    this.#hasLookedBack = true;
  }

  #learn(known: Known): void {
    if (!this.#known.has(known.id) && this.#known.size < mostKnown) this.#known.set(known.id, known);
  }

  async #attend(known: Known): Promise<void> {
    const { runtime, timing } = this.#deps;
    const nowMs = runtime.now();
    if (known.endTellMs === null && nowMs < known.expiresMs) {
      if (nowMs >= known.openedMs + timing.graceMs) await this.#announce(known, "approval.opened");
      if (known.escalatesMs !== null && nowMs >= known.escalatesMs) await this.#announce(known, "approval.escalated");
      return;
    }
    if (known.endTellMs === null && nowMs >= known.expiresMs + slackMs) known.endTellMs = nowMs;
    if (known.endTellMs !== null && nowMs >= known.endTellMs) await this.#end(known, nowMs, known.endTellMs);
  }

  async #end(known: Known, nowMs: number, sinceMs: number): Promise<void> {
    const status = (await this.#deps.store.approval(known.id, known.agent))?.status;
    if (status === "pending") {
      known.endTellMs = null;
      if (known.expiresMs <= nowMs) known.expiresMs = nowMs;
      return;
    }
    const isOver = status === undefined || nowMs - sinceMs > endMs;
    if (isOver || (await this.#announce(known, "approval.closed", status))) this.#known.delete(known.id);
  }

  #announce(known: Known, kind: ApprovalNotice["kind"], status: ApprovalStatus = "pending"): Promise<boolean> {
    const { store, senders, timing } = this.#deps;
    return announce(known, kind, status, { store, senders, graceMs: timing.graceMs });
  }
}

function knownOf({ id, agent, createdAtMs, openedAt, escalation, expiresAtMs }: Approval): Known {
  return {
    id,
    agent,
    openedMs: createdAtMs,
    escalatesMs: escalation ? Date.parse(openedAt) + escalation.afterMs : null,
    expiresMs: expiresAtMs,
    endTellMs: null,
    seenPending: true,
    settled: new Set(),
  };
}

/** When something is to be done about it, beside the looks. */
function duesOf({ endTellMs, escalatesMs, expiresMs }: Known): number[] {
  return endTellMs === null ? [...(escalatesMs === null ? [] : [escalatesMs]), expiresMs + slackMs] : [endTellMs];
}
