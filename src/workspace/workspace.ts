import type { Catalogue } from "../decode/catalogue.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { LoadedRegistry } from "../registry/load.js";

/** The user's files as they are in force at one moment. Each part is immutable and replaced as a whole. */
export interface Workspace {
  policies: PolicySet;
  catalogue: Catalogue;
  registry: LoadedRegistry;
}
