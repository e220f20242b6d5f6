import type { AgentFlag } from "../store/shared_registry.js";
import type { AgentProofs } from "./proof.js";

/**
 * Which agents are disabled by their id. To disable needs no proof, so that nothing lets pass what somebody wanted
 * stopped; to enable needs one, and a higher revision than everything that was proven before.
 */
export class Flags {
  readonly #proofs: AgentProofs;
  /** What is acted on. */
  readonly #held = new Map<string, { flag: AgentFlag; proven: boolean }>();
  /** The highest revision of each that was proven. */
  readonly #proven: Map<string, number>;
  /** The revision of each that the store holds. */
  readonly #stored = new Map<string, number>();

  constructor(proofs: AgentProofs, proven: ReadonlyMap<string, number> = new Map()) {
    this.#proofs = proofs;
    this.#proven = new Map(proven);
  }

  /** False when the flag is not acted on. */
  apply(flag: AgentFlag): boolean {
    const { id, revision } = flag;
    this.#stored.set(id, revision);
    const proven = revision > 0 && this.#proofs.holdsOfFlag(flag);
    if (proven ? this.#isOutdated(flag) : !flag.disabled) return false;
    this.#held.set(id, { flag, proven });
    if (proven) this.#proven.set(id, revision);
    return true;
  }

  isDisabled(id: string): boolean {
    return this.#held.get(id)?.flag.disabled === true;
  }

  disabled(): Set<string> {
    return new Set([...this.#held.keys()].filter((id) => this.isDisabled(id)));
  }

  /** True when nothing has to be written to make it so. */
  isSettled(id: string, disabled: boolean): boolean {
    return this.isDisabled(id) === disabled && this.#held.get(id)?.proven !== false;
  }

  /** The revision of the next change, and the one that it is to be written over. */
  next(id: string): { revision: number; over: number } {
    const over = this.#stored.get(id) ?? 0;
    return { revision: Math.max(this.#proven.get(id) ?? 0, over) + 1, over };
  }

  /** For reading everything again: knows nothing but what must not come back. */
  again(): Flags {
    return new Flags(this.#proofs, this.#proven);
  }

  /** Completes what was read again by what was known before. Gives what is missing there, with what it goes over. */
  keep(known: Flags): { flag: AgentFlag; over: number | null }[] {
    const lost: { flag: AgentFlag; over: number | null }[] = [];
    for (const [id, held] of known.#held) {
      if (this.#held.has(id)) continue;
      this.#held.set(id, held);
      const over = this.#stored.get(id) ?? 0;
      const { flag } = held;
      if (flag.disabled ? flag.revision > 0 : over < flag.revision)
        lost.push({ flag, over: flag.disabled ? null : over });
    }
    return lost;
  }

  #isOutdated({ id, revision, disabled }: AgentFlag): boolean {
    const newest = this.#proven.get(id) ?? 0;
    // Of two with one revision, as a failover can leave them, the one that disables holds.
    return revision < newest || (revision === newest && !disabled && this.#isProvenOff(id));
  }

  #isProvenOff(id: string): boolean {
    const held = this.#held.get(id);
    return held?.proven === true && held.flag.disabled;
  }
}
