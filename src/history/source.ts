import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import type { PartSource } from "../workspace/workspace.js";
import { type Asked, type Rollback, readAsked, sameAsked } from "./asked.js";
import type { PolicyEvent } from "./events.js";
import { openVersion } from "./versions.js";

/** How a policy set came about. */
export interface Origin {
  event: PolicyEvent;
  /** Who asked for it, and why; `null` for what was loaded. */
  asked: Asked | null;
  /** The roll-back that was looked at when it was made, in force or ended. */
  considered: Rollback | null;
  /** The roll-back that the files end with it. */
  ends: Rollback | null;
  /** True for a roll-back that was made without the files, since they could not be used. */
  withoutFiles: boolean;
}

interface Options {
  dir: string;
  /** Where policies come from while nobody has gone back. */
  files: PartSource<PolicySet>;
  program: Program;
}

/**
 * Policies from their files or their bundle, unless people have gone back to an earlier version. A roll-back holds until
 * the files say something else than they did when it was asked for, and can be used.
 */
export class RevertibleSource implements PartSource<PolicySet> {
  readonly #options: Options;
  readonly #origins = new WeakMap<PolicySet, Origin>();
  #inForce: { set: PolicySet; origin: Origin } | null = null;
  /** The files' word when they were last looked at. */
  #seen: string | null = null;
  /** The roll-back that the files have ended. */
  #ended: Rollback | null = null;
  /** What was considered at the last load. */
  #tried: Rollback | null = null;
  /** How often a roll-back took effect without the files; they are tried again after each time. */
  #withoutFiles = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  async look(how?: { mayRest: boolean }): Promise<string> {
    const considered = this.#considered(await readAsked(this.#options.dir));
    const asksAnew = this.#inForce !== null && !sameAsked(considered, this.#inForce.origin.considered);
    // Going back does not wait for files that hang; when it has failed, they may help.
    if (asksAnew && !sameAsked(considered, this.#tried)) return this.#word(considered);
    try {
      this.#seen = await this.#options.files.look(how);
    } catch (error) {
      const goesBack = considered !== null && (asksAnew || this.#inForce === null);
      if (!goesBack) throw error;
    }
    return this.#word(considered);
  }

  /** Gives the set that is in force when that is to stay. */
  async load(): Promise<PolicySet> {
    const { dir, files } = this.#options;
    const asked = await readAsked(dir);
    const considered = this.#considered(asked);
    this.#tried = considered;
    const rollback = sameAsked(considered, this.#ended) ? null : considered;
    if (!rollback) return this.#loaded(await files.load(), asked, considered);
    this.#refuseOtherProgram(rollback);
    const set = await files.load().catch((error) => {
      if (sameAsked(this.rollback(), rollback)) throw error;
      return null;
    });
    if (set && set.version !== rollback.instead_of) return this.#loaded(set, asked, considered);
    return this.#wentBack(rollback, set === null);
  }

  close(): void {
    this.#options.files.close?.();
  }

  /** How a set of this source came about. */
  originOf(set: PolicySet): Origin {
    const origin = this.#origins.get(set);
    if (!origin) throw new Error("a policy set from elsewhere");
    return origin;
  }

  /** To be told when a set takes effect. */
  tookEffect(set: PolicySet): void {
    const origin = this.originOf(set);
    this.#inForce = { set, origin };
    if (origin.event !== "rolled_back") this.#ended = origin.considered;
    if (origin.withoutFiles) this.#withoutFiles += 1;
  }

  /** The roll-back in force. */
  rollback(): Rollback | null {
    const origin = this.#inForce?.origin;
    return origin?.event === "rolled_back" ? origin.considered : null;
  }

  #loaded(set: PolicySet, asked: Asked | null, considered: Rollback | null): PolicySet {
    const release = asked?.event === "released" && this.rollback() ? asked : null;
    const event = release ? "released" : "loaded";
    const ends = sameAsked(considered, this.#ended) ? null : considered;
    return this.#made(set, { event, asked: release, considered, ends, withoutFiles: false });
  }

  async #wentBack(rollback: Rollback, withoutFiles: boolean): Promise<PolicySet> {
    if (this.#inForce && sameAsked(this.rollback(), rollback)) return this.#inForce.set;
    const set = await openVersion(this.#options.dir, rollback.version, this.#options.program);
    return this.#made(set, { event: "rolled_back", asked: rollback, considered: rollback, ends: null, withoutFiles });
  }

  /** Its versions are not ours, so nobody could tell whether the files have changed since. */
  #refuseOtherProgram({ version, program }: Rollback): void {
    if (program === this.#options.program.sha256) return;
    throw new Error(
      `policies went back to ${version} with another version of the program: end that with \`countersign policy rollback --release\``,
    );
  }

  #made(set: PolicySet, origin: Origin): PolicySet {
    this.#origins.set(set, origin);
    return set;
  }

  /**
   * A server that ends a roll-back removes what was asked for. Others that share the folder keep to it until they see
   * the new files themselves: without it they would load what everybody went back from.
   */
  #considered(asked: Asked | null): Rollback | null {
    if (asked === null) return this.#inForce?.origin.considered ?? null;
    return asked.event === "rolled_back" ? asked : null;
  }

  #word(considered: Rollback | null): string {
    return JSON.stringify([this.#seen, considered, this.#withoutFiles]);
  }
}
