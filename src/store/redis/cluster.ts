import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { StoreUnavailable } from "../store.js";
import { type Access, nodeAt } from "./address.js";
import {
  type CommandName,
  type Commands,
  type Connected,
  type ConnectionOptions,
  commandNames,
  isReply,
  unavailable,
} from "./commands.js";
import { Connection } from "./connection.js";
import { keyForEach, parseSlots, redirectOf, type SlotMap, slotOf } from "./slots.js";

/** Between two readings of the map at least, and before a slot that is on its way is asked for again. */
const restMs = 100;
const pauseMs = 20;

/** What a node says that has lost the others, or its place. */
const noPrimary = /^(CLUSTERDOWN|READONLY|MASTERDOWN|LOADING) /;

type Args = readonly (string | number)[];
type Reply = { value: unknown } | { error: Error };

/**
 * One `Connection` for each primary. The client library has a cluster of its own, but that queues commands for nodes
 * that are away and sends them later, when their callers have long been refused. A command is repeated only after an
 * answer that says that nothing of it has run.
 */
export class Cluster implements Connected {
  private readonly nodes = new Map<string, Connection>();
  /** What the map does not name any more, for as long as something may be under way there. */
  private readonly leaving = new Set<Connection>();
  private map: SlotMap = new Map();
  private reading: Promise<void> | undefined;
  private closed = false;

  /** `seeds` are asked for the map until one answers, and when no known node does. */
  constructor(
    private readonly seeds: readonly string[],
    private readonly access: Access,
    private readonly options: ConnectionOptions,
  ) {
    this.readSoon();
  }

  async run<T>(work: (redis: Commands) => Promise<T>, waitMs = this.waitMs): Promise<T> {
    if (this.closed) throw new StoreUnavailable("the store is closed");
    try {
      return await work(this.commandsUntil(performance.now() + waitMs));
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Who serves the slot may change, and then a command is sent again. */
  sendWritten(): null {
    return null;
  }

  async everywhere<T>(work: (redis: Redis) => Promise<T>, waitMs: number): Promise<T[]> {
    const until = performance.now() + waitMs;
    await this.mapUntil(until, () => this.map.size > 0);
    const answers = namesIn(this.map).map((name) => this.within(name, work, until));
    const settled = await Promise.allSettled(answers);
    const given = settled.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    if (given.length === 0) await Promise.all(answers);
    return given;
  }

  async ping(key: string): Promise<void> {
    await this.run(async (redis) => {
      await this.mapUntil(performance.now() + this.waitMs, () => this.map.size > 0);
      await Promise.all(keyForEach(this.map, key).map((one) => redis.set(one, "1", "PX", 1000)));
    });
  }

  partOf(key: string): string {
    return this.map.get(slotOf("get", [key])) ?? "";
  }

  get waitMs(): number {
    return this.options.waitMs;
  }

  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.nodes.values(), ...this.leaving];
    this.nodes.clear();
    this.leaving.clear();
    await Promise.all(all.map((node) => node.close()));
  }

  private commandsUntil(until: number): Commands {
    const entries = commandNames.map((name) => [name, (...args: Args) => this.send(name, args, until)]);
    return Object.fromEntries(entries) as Commands;
  }

  private async send(name: CommandName, args: Args, until: number): Promise<unknown> {
    const slot = slotOf(name, args);
    let node = await this.ownerOf(slot, until);
    let asking = false;
    for (let turns = 0; ; turns++) {
      const reply = await this.within(node, (redis) => ask(redis, name, args, asking), until);
      if ("value" in reply) return reply.value;
      const redirect = redirectOf(reply.error, nodeAt(node).host);
      if (redirect === null) {
        if (noPrimary.test(reply.error.message)) this.readSoon();
        throw reply.error;
      }
      // Nodes may disagree for a while. When it takes too long, `within` ends it.
      if (redirect.kind === "tryagain" || turns > 1) await sleep(pauseMs);
      asking = redirect.kind === "ask";
      if (redirect.kind === "moved") {
        this.map.set(redirect.slot, redirect.node);
        this.readSoon();
      }
      node = redirect.kind === "tryagain" ? await this.ownerOf(slot, until) : redirect.node;
    }
  }

  /** Runs work on one node with what is left of the wait. */
  private async within<T>(name: string, work: (redis: Redis) => Promise<T>, until: number): Promise<T> {
    const leftMs = Math.floor(until - performance.now());
    if (leftMs < 1) throw new StoreUnavailable(`${name}: no answer in time`);
    try {
      return await this.named(name, (node) => node.run(work, leftMs));
    } catch (error) {
      this.readSoon();
      throw error;
    }
  }

  /** Errors say which node it is. */
  private async named<T>(name: string, work: (node: Connection) => Promise<T>): Promise<T> {
    try {
      return await work(this.node(name));
    } catch (error) {
      const { message, cause } = unavailable(error);
      throw new StoreUnavailable(`${name}: ${message}`, { cause });
    }
  }

  private async ownerOf(slot: number, until: number): Promise<string> {
    await this.mapUntil(until, () => this.map.has(slot));
    return this.map.get(slot) ?? "";
  }

  /** Reads the map until it has what is asked for. */
  private async mapUntil(until: number, enough: () => boolean): Promise<void> {
    let trouble: unknown;
    while (!enough()) {
      if (this.closed) throw new StoreUnavailable("the store is closed");
      if (performance.now() >= until) {
        throw new StoreUnavailable("no node tells in time who serves the slot", { cause: trouble });
      }
      const late = sleep(Math.max(1, until - performance.now()), undefined, { ref: false });
      await Promise.race([
        late,
        this.read().then(
          () => sleep(enough() ? 0 : pauseMs),
          (error: unknown) => {
            trouble = error;
            return sleep(pauseMs);
          },
        ),
      ]);
    }
  }

  private readSoon(): void {
    this.read().catch(() => undefined);
  }

  private read(): Promise<void> {
    this.reading ??= this.readMap().finally(() => {
      setTimeout(() => {
        this.reading = undefined;
      }, restMs).unref();
    });
    return this.reading;
  }

  private async readMap(): Promise<void> {
    const map = await this.firstMapOf(namesIn(this.map)).catch(() => this.firstMapOf(this.seeds));
    if (this.closed) return;
    this.map = map;
    const named = new Set(map.values());
    for (const [name, node] of this.nodes) {
      if (named.has(name)) continue;
      this.nodes.delete(name);
      this.leaving.add(node);
      setTimeout(() => {
        this.leaving.delete(node);
        void node.close();
      }, 2 * this.waitMs).unref();
    }
  }

  private async firstMapOf(names: readonly string[]): Promise<SlotMap> {
    try {
      return await Promise.any(names.map((name) => this.mapOf(name)));
    } catch (error) {
      const [first] = error instanceof AggregateError ? error.errors : [error];
      throw first ?? new StoreUnavailable("no node is known");
    }
  }

  /** Rejects when the node is cut off from most others: its map may be an old one. */
  private async mapOf(name: string): Promise<SlotMap> {
    const [info, slots] = await this.named(name, (node) =>
      node.run((redis) => Promise.all([redis.cluster("INFO"), redis.cluster("SLOTS")])),
    );
    if (!/^cluster_state:ok/m.test(String(info)))
      throw new StoreUnavailable(`${name}: the state of the cluster is not ok`);
    return parseSlots(slots, nodeAt(name).host);
  }

  private node(name: string): Connection {
    const known = this.nodes.get(name);
    if (known) return known;
    if (this.closed) throw new StoreUnavailable("the store is closed");
    const onTrouble = (error: Error): void => {
      this.readSoon();
      this.options.onTrouble?.(new Error(`${name}: ${error.message}`));
    };
    const made = new Connection({ ...nodeAt(name), ...this.access, db: 0 }, { waitMs: this.waitMs, onTrouble });
    this.nodes.set(name, made);
    return made;
  }
}

function namesIn(map: SlotMap): string[] {
  return [...new Set(map.values())];
}

/** An error that the node answers with comes back as a value, as it is. */
async function ask(redis: Redis, name: CommandName, args: Args, asking: boolean): Promise<Reply> {
  // Goes out in one piece with the command. When it fails, so does the command.
  if (asking) redis.asking().catch(() => undefined);
  try {
    return { value: await redis.call(name, ...args) };
  } catch (error) {
    if (isReply(error)) return { error };
    throw error;
  }
}
