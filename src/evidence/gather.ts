import { readLine } from "../audit/chain.js";
import { BrokenRecord } from "../audit/signed.js";
import { placeOf, type RecordPlace } from "../audit_query/place.js";
import type { AuditRecord } from "../audit_query/readable.js";
import { type Found, Search, type SearchOptions, type UnreadableLine, type Wanted } from "../audit_query/search.js";
import { canonicalJson } from "../canonical.js";
import type { VerifyKey } from "../keys/keys.js";
import { troubleOf } from "./normal.js";
import { type Cited, distinct, forms, type Story } from "./story.js";

export interface GatherOptions extends Omit<SearchOptions, "positions"> {
  fromMs?: number;
  toMs?: number;
  /** Keys of records; `null` leaves signatures unchecked. */
  keys: readonly VerifyKey[] | null;
}

/** What the records say of one deployment. */
export interface Gathered {
  story: Story;
  /** Records that are not as they were signed, or have no form that can be read: with one of them nothing is proven. */
  broken: RecordPlace[];
  unreadable: UnreadableLine[];
  /** False when there was more than is kept or may be read. */
  complete: boolean;
}

/** Bounds on what is kept of one deployment. */
const most = { records: 2_000, bytes: 64 * 1024 * 1024, troubles: 50 };

type Kept = { [K in keyof typeof forms]: Cited<ReturnType<(typeof forms)[K]["parse"]>>[] };

/** Collects the records of one deployment, in two readings: the second knows what belongs to it by the first. */
export async function gather(paths: readonly string[], id: string, options: GatherOptions): Promise<Gathered> {
  const own = new Collector(options);
  const named = Buffer.from(`:${canonicalJson(id)}`);
  await own.read(paths, {
    wants: (line) => line.includes(named),
    accepts: (record) => "deployment_id" in record && record.deployment_id === id,
  });
  const linked = new Collector(options);
  if (own.kept.decision.length + own.kept.approval.length > 0) await linked.read(paths, linkedTo(own, id));
  const { decision: deeds } = own.kept;
  return {
    story: {
      deploymentId: id,
      deeds,
      outcomes: byTime([...own.kept.outcome, ...linked.kept.outcome]),
      answers: byTime([...own.kept.approval, ...linked.kept.approval]),
      policies: linked.kept.policy,
      troubles: linked.kept.decision.slice(-most.troubles),
    },
    broken: [...own.broken, ...linked.broken],
    unreadable: own.unreadable,
    complete: own.complete && linked.complete && own.unreadable.length + linked.unreadable.length === 0,
  };
}

/** What belongs to the calls of a deployment without naming it. */
function linkedTo(own: Collector, id: string): Wanted {
  const { kept } = own;
  const lastAt = kept.decision.at(-1)?.record.timestamp ?? "";
  const deeds = kept.decision.map(({ record }) => record);
  const ids = {
    decision_id: new Set(deeds.map((deed) => deed.decision_id)),
    approval_id: new Set(
      distinct([...deeds, ...kept.approval.map(({ record }) => record)].map((one) => one.approval_id)),
    ),
    session_id: new Set(distinct(deeds.map((deed) => deed.session_id))),
    policy_version: new Set(distinct(deeds.map((deed) => deed.opa_decision?.policy_version))),
  };
  const needles = Object.entries(ids).flatMap(([name, values]) =>
    [...values].map((value) => Buffer.from(`${canonicalJson(name)}:${canonicalJson(value)}`)),
  );
  const belongs: { [K in AuditRecord["kind"]]: (record: { [name: string]: unknown }) => boolean } = {
    outcome: (record) => record.deployment_id !== id && ids.decision_id.has(String(record.decision_id)),
    approval: (record) => record.deployment_id !== id && ids.approval_id.has(String(record.approval_id)),
    policy: (record) => ids.policy_version.has(String(record.policy_version)),
    decision: (record) =>
      record.deployment_id !== id &&
      ids.session_id.has(String(record.session_id)) &&
      String(record.timestamp) <= lastAt &&
      isTroubled(record),
    admin: () => false,
  };
  return {
    wants: (line) => needles.some((needle) => line.includes(needle)),
    accepts: (record) => belongs[record.kind]({ ...record }),
  };
}

/** A record that has no such form counts as well: it is then told of as broken. */
function isTroubled(record: { [name: string]: unknown }): boolean {
  const deed = forms.decision.safeParse(record);
  return !deed.success || troubleOf(deed.data).length > 0;
}

/** Records of one reading, checked and kept as far as there is room. */
class Collector {
  readonly kept: Kept = { decision: [], outcome: [], approval: [], policy: [] };
  broken: RecordPlace[] = [];
  unreadable: UnreadableLine[] = [];
  complete = true;
  readonly #options: GatherOptions;
  #records = 0;
  #bytes = 0;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  async read(paths: readonly string[], wanted: Wanted): Promise<void> {
    const { fromMs, toMs } = this.#options;
    const span = { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
    const within = ({ timestamp }: AuditRecord): boolean => {
      const at = Date.parse(timestamp);
      return at >= (fromMs ?? Number.NEGATIVE_INFINITY) && at < (toMs ?? Number.POSITIVE_INFINITY);
    };
    const accepts = (record: AuditRecord) => within(record) && wanted.accepts(record);
    const search = await Search.in(paths, { ...wanted, ...span, accepts }, this.#options);
    for await (const found of search) if (!this.#keep(found)) break;
    if (search.paused) this.complete = false;
    this.unreadable = await search.unreadable();
    for (const list of Object.values(this.kept)) list.reverse();
  }

  /** False when there is no room for more. */
  #keep(found: Found): boolean {
    const { record, line } = found;
    const place = placeOf(found);
    this.#records += 1;
    this.#bytes += line.length;
    if (this.#records > most.records || this.#bytes > most.bytes) {
      this.complete = false;
      return false;
    }
    const { keys } = this.#options;
    if (record.kind === "admin") return true;
    const read = forms[record.kind].safeParse(record);
    if (!read.success || (keys && !holds(line, keys))) this.broken.push(place);
    else (this.kept[record.kind] as Cited<unknown>[]).push({ record: read.data, place });
    return true;
  }
}

function holds(line: Uint8Array, keys: readonly VerifyKey[]): boolean {
  try {
    readLine(line, keys);
    return true;
  } catch (error) {
    if (error instanceof BrokenRecord) return false;
    throw error;
  }
}

function byTime<T extends { timestamp: string }>(records: Cited<T>[]): Cited<T>[] {
  const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
  return records.sort((a, b) => order(a.record.timestamp, b.record.timestamp));
}
