import type { Catalogue } from "../decode/catalogue.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { AgentsFile } from "../registry/agents_file.js";
import type { LoadedRegistry } from "../registry/load.js";
import type { PersonEntry } from "../registry/people_file.js";
import type { Registry } from "../registry/registry.js";

/** The user's files as they are in force at one moment. Each part is immutable and replaced as a whole. */
export interface Workspace extends Parts {
  /** Of agents and people together. */
  registry: LoadedRegistry;
}

/** What a decision looks at. */
export interface InForce extends Pick<Workspace, "policies" | "catalogue"> {
  registry: Registry;
}

/** What is loaded each by itself, so that a slip in one does not hold up the others: an agent is disabled at once. */
export interface Parts {
  policies: PolicySet;
  catalogue: Catalogue;
  agents: AgentsFile;
  people: readonly PersonEntry[];
}

export type Part = keyof Parts;

/** Where one part comes from. */
export interface PartSource<T> {
  /**
   * A word that changes when the part does. Throws when the part cannot be seen. Who asks again and again says `mayRest`: a
   * source for which looking is much work may then give its last word.
   */
  look(how?: { mayRest: boolean }): Promise<string>;
  /** Makes the part of what is there, or gives what is in force when that is to stay. Throws when it cannot be used. */
  load(): Promise<T>;
  /** Gives up what is under way and waits for somebody else. */
  close?(): void;
}

export type Sources = { [P in Part]: PartSource<Parts[P]> };
