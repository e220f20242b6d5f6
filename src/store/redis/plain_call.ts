import { sha256Hex } from "../../canonical.js";
import { RecentMap } from "../../recent_map.js";
import type { Observation, SettleRequest, SettleResult } from "../store.js";
import type { Asker, Commands, Connected } from "./commands.js";
import type { Keys } from "./keys.js";
import { Place } from "./place.js";
import { parsePlain } from "./plain.js";
import { isPlain } from "./plain_form.js";
import { parseSettle, settledOf } from "./replies.js";
import { scripts } from "./scripts.js";
import type { SessionIndex } from "./session_index.js";

/** Sessions of which a process knows what was told of them last. */
const remembersMost = 10_000;

interface Way {
  connection: Connected;
  keys: Keys;
  sessions: SessionIndex;
}

/** Settles ordinary calls in the short way. */
export class PlainCalls {
  readonly #way: Way;
  /** By the session alone: agents that have one of the same name take turns. */
  readonly #places: RecentMap<string, Place>;

  constructor(way: Way, most = remembersMost) {
    this.#way = way;
    this.#places = new RecentMap(most);
  }

  /** `null` for a call that is nothing for the short way. */
  settle(request: SettleRequest): Promise<SettleResult> | null {
    const { observation } = request;
    if (!observation || !isPlain(request)) return null;
    const place = this.#placeOf(request.agent, observation.session);
    const call = new PlainCall(this.#way, place, request, observation);
    const { connection } = this.#way;
    return connection.sendWritten(call.frame(), call) ?? connection.run((redis) => call.runOn(redis));
  }

  #placeOf(agent: string, session: string): Place {
    const known = this.#places.get(session);
    if (known !== undefined && known.agent === agent) return known;
    const made = new Place(agent, session, this.#way.keys, scripts.settlePlain);
    this.#places.set(session, made);
    return made;
  }
}

class PlainCall implements Asker<SettleResult> {
  constructor(
    private readonly way: Way,
    private readonly place: Place,
    private readonly request: SettleRequest,
    private readonly seen: Observation,
  ) {}

  frame(): string {
    return this.place.frame(sha256Hex(this.request.key), this.request, this.seen);
  }

  read(reply: unknown, untilMs: number): SettleResult | Promise<SettleResult> {
    const { result, isOwed } = this.settled(reply);
    if (!isOwed) return result;
    return this.within(untilMs, (redis) => this.index(redis)).then(() => result);
  }

  missing(untilMs: number): Promise<SettleResult> {
    return this.within(untilMs, (redis) => this.runOn(redis));
  }

  /** Where the command cannot go out as it is written. */
  async runOn(redis: Commands): Promise<SettleResult> {
    const [request, place] = [this.request, this.place];
    const digest = sha256Hex(request.key);
    const keys = place.keys.map((key, at) => (at + 1 < place.keys.length ? key : key + digest));
    const reply = await scripts.settlePlain.run(redis, keys, place.args(request, this.seen));
    const { result, isOwed } = this.settled(typeof reply === "string" ? Buffer.from(reply) : reply);
    if (isOwed) await this.index(redis);
    return result;
  }

  /** Where the call was not ordinary after all, the reply is that of settle-11. `isOwed`: the session is to be indexed. */
  private settled(reply: unknown): { result: SettleResult; isOwed: boolean } {
    const [seen, { agent }, { sessions }] = [this.seen, this.request, this.way];
    if (Buffer.isBuffer(reply)) {
      const result = parsePlain(reply, this.place);
      const nowMs = result.counters?.nowMs ?? 0;
      return { result, isOwed: sessions.owes({ agent, seen, before: result.session, nowMs, replayed: false }) };
    }
    const texts = Array.isArray(reply) ? reply.map((one) => (Buffer.isBuffer(one) ? one.toString() : one)) : reply;
    const result = parseSettle(texts, this.place.session);
    const { own, nowMs, replayed } = result;
    return { result: settledOf(result), isOwed: sessions.owes({ agent, seen, before: own, nowMs, replayed }) };
  }

  private index(redis: Commands): Promise<void> {
    return this.way.sessions.write(redis, this.request.agent, this.seen);
  }

  private within<T>(untilMs: number, work: (redis: Commands) => Promise<T>): Promise<T> {
    return this.way.connection.run(work, Math.max(1, Math.floor(untilMs - performance.now())));
  }
}
