import type { Revocations } from "../issuers/revocations.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { Refusal } from "../refusal.js";
import type { LoadedRegistry } from "../registry/load.js";
import { overlay } from "../registry/overlay.js";
import type { Runtime } from "../runtime.js";
import type { Seen, SharedRegistry, StoredAgent } from "../store/shared_registry.js";
import type { Flags } from "./flags.js";
import { type Changed, Knowledge } from "./knowledge.js";
import { AgentProofs } from "./proof.js";
import { Restoring } from "./restoring.js";

/** How old the knowledge of a process may be, in microseconds. */
const freshMicros = 1_000_000;
const defaultIntervalMs = 300;

export interface LiveOptions {
  shared: SharedRegistry;
  /** Signs what is written of agents; the same on all processes of a store. */
  key: SigningKey;
  /** Keys that were used before; what they signed holds too. */
  acceptedKeys?: readonly VerifyKey[];
  /** Of the files in force. */
  fileRegistry: () => LoadedRegistry;
  runtime: Pick<Runtime, "now" | "monotonicMicros">;
  /** How often the store is asked, in milliseconds; default 300. `null`: only on demand. */
  intervalMs?: number | null;
  /** Told once when the store cannot be read, of what it has lost, and of each agent that somebody else has changed there. */
  onTrouble?: (error: Error) => void;
  /** Told once of each thing that is registered and not acted on. */
  onWarning?: (warning: string) => void;
}

/** Agents and revoked tokens as all processes together have them. */
export interface LiveRegistry extends Revocations {
  /** Files and shared agents together. Call `fresh` before it is relied on. */
  registry(): LoadedRegistry;
  /** The store's registry; what is written through it is known here when it resolves. */
  readonly shared: SharedRegistry;
  stored(): ReadonlyMap<string, StoredAgent>;
  /** Which agents were disabled by their id. */
  flags(): Flags;
  /** Signs what is to be written. */
  readonly proofs: AgentProofs;
  /** True when the store holds something of the agent that is not acted on. */
  isDoubtful(id: string): boolean;
  /** Notes that the store holds something that it has not told of. */
  doubt(id: string): void;
  /** Resolves when everything up to now is known. Throws `StoreUnavailable`. */
  asOfNow(): Promise<void>;
  /** `null` when the store was read at the last try, else what is wrong, for the operator. */
  trouble(): string | null;
  /** Stops asking; resolves when what is under way has ended. */
  close(): Promise<void>;
}

/**
 * Begins to follow the store. A process that has not read it yet, or not for a second, is not fresh: so a disabled agent or a
 * revoked token is refused on every process within a second, or nothing is let through.
 */
export function watchRegistry(options: LiveOptions): LiveRegistry {
  const live = new Live(options);
  // A store that does not answer is told by `trouble`, and to whoever asks to be fresh.
  live.asOfNow().catch(() => {});
  return live;
}

class Live implements LiveRegistry {
  readonly proofs: AgentProofs;
  readonly #options: LiveOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #restoring: Restoring;
  #known: Knowledge;
  #seen: Seen | null = null;
  /** What is read again after a loss, until it is complete. */
  #again: Knowledge | null = null;
  #reading: Promise<void> | null = null;
  /** When the last successful reading began, by the monotonic clock. */
  #asOf = Number.NEGATIVE_INFINITY;
  #trouble: string | null = "the store has not been read yet";
  /** Counts changes of agents. */
  #version = 0;
  /** Counts what this process wrote. */
  #written = 0;
  /** Agents that trouble was told of. */
  readonly #told = new Set<string>();
  #merged: { file: LoadedRegistry; version: number; registry: LoadedRegistry } | null = null;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.proofs = new AgentProofs(options.key, options.acceptedKeys);
    this.#known = new Knowledge(this.proofs);
    this.#restoring = new Restoring(options.shared, options.onTrouble);
    const { intervalMs = defaultIntervalMs } = options;
    if (intervalMs === null) return;
    this.#timer = setInterval(() => {
      if (!this.#reading) this.#read().catch(() => {});
    }, intervalMs).unref();
  }

  readonly fresh = (): Promise<void> | null => {
    const micros = this.#options.runtime.monotonicMicros() - freshMicros;
    return this.#asOf >= micros ? null : this.#freshAsOf(micros);
  };

  readonly #freshAsOf = async (micros: number): Promise<void> => {
    try {
      await this.#knowAsOf(micros);
    } catch (cause) {
      throw new Refusal("store_unavailable", "the store did not answer in time", { cause });
    }
  };

  readonly unheardMs = (): number => (this.#options.runtime.monotonicMicros() - this.#asOf) / 1000;

  readonly isRevoked = (jti: string): boolean =>
    this.#known.revoked.get(jti, this.#options.runtime.now()) !== undefined;

  readonly asOfNow = async (): Promise<void> => {
    await this.#knowAsOf(this.#options.runtime.monotonicMicros());
    await this.#restoring.done();
  };

  readonly registry = (): LoadedRegistry => {
    const file = this.#options.fileRegistry();
    if (this.#merged?.file === file && this.#merged.version === this.#version) return this.#merged.registry;
    const shared = { agents: this.#known.agents.values(), disabled: this.#known.flags.disabled() };
    const registry = overlay(file, shared, this.#options.runtime);
    const told = new Set(this.#merged?.registry.warnings);
    for (const warning of registry.warnings) if (!told.has(warning)) this.#options.onWarning?.(warning);
    this.#merged = { file, version: this.#version, registry };
    return registry;
  };

  readonly stored = (): ReadonlyMap<string, StoredAgent> => this.#known.agents;
  readonly flags = (): Flags => this.#known.flags;
  readonly isDoubtful = (id: string): boolean => this.#known.isDoubtful(id);
  readonly trouble = (): string | null => this.#trouble;

  readonly doubt = (id: string): void => {
    this.#known.doubt(id);
    this.#tellOf([id]);
  };

  readonly shared: SharedRegistry = {
    changes: (seen) => this.#options.shared.changes(seen),
    pinTask: (...pin) => this.#options.shared.pinTask(...pin),
    putAgent: async (agent, over) => {
      const written = await this.#options.shared.putAgent(agent, over);
      if (written) await this.#learn({ agents: [agent] });
      return written;
    },
    putFlag: async (flag, over) => {
      const written = await this.#options.shared.putFlag(flag, over);
      if (written) await this.#learn({ flags: [flag] });
      return written;
    },
    revoke: async (token) => {
      await this.#options.shared.revoke(token);
      await this.#learn({ revoked: [token] });
    },
  };

  readonly close = async (): Promise<void> => {
    clearInterval(this.#timer);
    await this.#reading?.catch(() => {});
    await this.#restoring.close();
  };

  /** Takes over what this process wrote, also when an answer that was under way is older. */
  async #learn(written: Partial<Changed>): Promise<void> {
    const apply = () => this.#apply({ agents: [], flags: [], revoked: [], ...written }, this.#known);
    this.#written += 1;
    apply();
    await this.#knowAsOf(this.#options.runtime.monotonicMicros()).catch(apply);
  }

  /** Waits for a reading that began at that time of the monotonic clock or later. */
  async #knowAsOf(micros: number): Promise<void> {
    if (this.#asOf >= micros) return;
    if (this.#reading) await this.#reading;
    // Whoever waited beside us may have begun one meanwhile, and that is as good.
    if (this.#asOf < micros) await (this.#reading ?? this.#read());
  }

  #read(): Promise<void> {
    this.#reading = this.#follow().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #follow(): Promise<void> {
    const began = this.#options.runtime.monotonicMicros();
    try {
      let more = true;
      while (more) more = await this.#page();
      if (this.#again) this.#recover(this.#again);
      this.#restoring.resume();
    } catch (error) {
      this.#tell(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
    this.#asOf = began;
    this.#trouble = null;
  }

  async #page(): Promise<boolean> {
    const written = this.#written;
    const changes = await this.#options.shared.changes(this.#seen);
    if (changes.lost) this.#again = this.#known.again();
    const passedOver = this.#apply(changes, this.#again ?? this.#known);
    // What was asked for before this process wrote may well be older than that.
    if (written === this.#written) this.#tellOf(passedOver);
    this.#seen = changes.seen;
    return changes.more;
  }

  #apply(changes: Changed, to: Knowledge): Set<string> {
    if (changes.agents.length + changes.flags.length > 0) this.#version += 1;
    return to.apply(changes, this.#options.runtime.now());
  }

  /** Nothing is forgotten that this process still knows: it goes on to hold, and goes back into the store. */
  #recover(left: Knowledge): void {
    const lost = left.keep(this.#known, this.#options.runtime.now());
    this.#known = left;
    this.#again = null;
    this.#version += 1;
    this.#restoring.add(lost);
  }

  #tellOf(ids: Iterable<string>): void {
    for (const id of ids) {
      if (this.#told.has(id)) continue;
      this.#told.add(id);
      const what = `the store holds something of agent ${id} that is no proven state of it, or an old one`;
      this.#options.onTrouble?.(new Error(`${what}; it is not acted on`));
    }
  }

  #tell(error: Error): void {
    if (this.#trouble !== error.message) this.#options.onTrouble?.(error);
    this.#trouble = error.message;
  }
}
