import type { OutcomeRecord } from "../audit/record.js";
import { RecentMap } from "../recent_map.js";

/** What the record of an outcome takes from the record of its decision, where it was masked. */
export type Passed = Pick<
  OutcomeRecord,
  "decision_id" | "deployment_id" | "session_id" | "agent_id" | "tool" | "action" | "environment" | "service"
>;

/** What the records of many calls have in common: one object for all of a session that say the same. */
export type Subject = Omit<Passed, "decision_id">;

/** A call that waits for its outcome. */
export interface Waiting {
  subject: Subject;
  untilMs: number;
}

/** Characters of a ULID. */
const idLength = 26;
/** Lists in which ids are looked for. */
const lists = 2 ** 16;
/** Sessions whose last subject is found again. */
const sessionsMost = 10_000;

/**
 * The newest calls that wait for their outcome, so many of them at most, by the ULIDs of their decisions. Most are dropped
 * unread: they are bytes in a ring, which take a tenth of the time of entries of a map and leave nothing to the collector, and they
 * are put in order only when somebody asks. Whatever still waits when its place in the ring is needed moves to a map.
 */
export class WaitingCalls {
  readonly #most: number;
  /** The ring: call `n`, counted from 1, is at `n % most`. One that was taken has no subject. */
  readonly #ids: Buffer;
  readonly #untilMs: Float64Array;
  readonly #subjects: (Subject | null)[];
  #last = 0;
  #inRing = 0;
  /** Those whose place was needed: older than all in the ring, and only as many as there is room for besides those. */
  readonly #older: RecentMap<string, Waiting>;
  /** The calls of each list, newest first: the newest one, and for each call the next one, 0 for none. */
  #index: { newest: Float64Array; next: Float64Array; last: number } | null = null;
  readonly #ofSession = new Map<string | null, Subject>();

  constructor(most: number) {
    this.#most = most;
    this.#ids = Buffer.alloc(most * idLength);
    this.#untilMs = new Float64Array(most);
    this.#subjects = new Array<Subject | null>(most).fill(null);
    this.#older = new RecentMap(most);
  }

  /** Of another form than a ULID nobody can tell anything. */
  add(decision: Passed, untilMs: number): void {
    const { decision_id: id } = decision;
    if (id.length !== idLength) return;
    const place = (this.#last + 1) % this.#most;
    if (this.#inRing < this.#most) this.#makeRoom(place);
    else this.#inRing -= 1;
    this.#ids.write(id, place * idLength, "latin1");
    this.#untilMs[place] = untilMs;
    this.#subjects[place] = this.#subjectOf(decision);
    this.#last += 1;
    this.#inRing += 1;
    if (this.#inRing + this.#older.size > this.#most) this.#older.dropOldest();
  }

  /** Gives it once. */
  take(id: string): Waiting | null {
    if (id.length !== idLength) return null;
    const { newest, next } = this.#indexed();
    const gone = Math.max(0, this.#last - this.#most);
    for (let n = newest[listOf(id)] as number; n > gone; n = next[n % this.#most] as number) {
      const place = n % this.#most;
      const subject = this.#subjects[place];
      if (!subject || this.#idAt(place) !== id) continue;
      this.#subjects[place] = null;
      this.#inRing -= 1;
      return { subject, untilMs: this.#untilMs[place] as number };
    }
    const found = this.#older.get(id);
    if (found === undefined) return null;
    this.#older.delete(id);
    return found;
  }

  /** While all in the ring wait, the oldest of them is the one that there is no room for. */
  #makeRoom(place: number): void {
    const subject = this.#subjects[place];
    if (!subject) return;
    this.#older.set(this.#idAt(place), { subject, untilMs: this.#untilMs[place] as number });
    this.#inRing -= 1;
  }

  /** Those that came since somebody asked last are put in their lists; of those behind the ring's beginning nothing is left. */
  #indexed(): { newest: Float64Array; next: Float64Array } {
    this.#index ??= { newest: new Float64Array(lists), next: new Float64Array(this.#most), last: 0 };
    const { newest, next, last } = this.#index;
    for (let n = Math.max(last, this.#last - this.#most) + 1; n <= this.#last; n++) {
      const list = listOf(this.#idAt(n % this.#most));
      next[n % this.#most] = newest[list] as number;
      newest[list] = n;
    }
    this.#index.last = this.#last;
    return this.#index;
  }

  #idAt(place: number): string {
    return this.#ids.toString("latin1", place * idLength, (place + 1) * idLength);
  }

  #subjectOf(decision: Passed): Subject {
    const { session_id: session } = decision;
    const known = this.#ofSession.get(session);
    if (known !== undefined && isSubjectOf(known, decision)) return known;
    const { deployment_id, session_id, agent_id, tool, action, environment, service } = decision;
    const made = { deployment_id, session_id, agent_id, tool, action, environment, service };
    if (this.#ofSession.size >= sessionsMost) this.#ofSession.clear();
    this.#ofSession.set(session, made);
    return made;
  }
}

/** By the end of a ULID, which is its random part. */
function listOf(id: string): number {
  let hash = 0;
  for (let at = idLength - 8; at < idLength; at++) hash = (Math.imul(hash, 31) + id.charCodeAt(at)) | 0;
  return (hash ^ (hash >>> 16)) & (lists - 1);
}

function isSubjectOf(subject: Subject, decision: Passed): boolean {
  return (
    subject.session_id === decision.session_id &&
    subject.agent_id === decision.agent_id &&
    subject.tool === decision.tool &&
    subject.action === decision.action &&
    subject.deployment_id === decision.deployment_id &&
    subject.environment === decision.environment &&
    subject.service === decision.service
  );
}
