import { basename } from "node:path";
import { RemoteBundle } from "../bundle/remote.js";
import { readBundleKey } from "../bundle/verify_key.js";
import { loadCatalogue } from "../decode/catalogue.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import { readAgentsFile } from "../registry/agents_file.js";
import { parsePeopleFile } from "../registry/people_file.js";
import type { Runtime } from "../runtime.js";
import { inSlices } from "../slices.js";
import type { Mode } from "../verdict.js";
import { filesSource, readText } from "./files.js";
import { openPolicies, policyFiles } from "./policies.js";
import { Rest } from "./rest.js";
import type { PartSource, Sources } from "./workspace.js";

/** Where the user's files are. */
export interface WorkspacePaths {
  /** A folder, a policy file, a bundle, or where a bundle is and what it must be signed with. */
  policies: string | BundlePlace;
  tools: string;
  agents: string;
  people: string;
}

export interface BundlePlace {
  /** An `http` or `https` URL, or a file. */
  bundle: string;
  /** Milliseconds between two requests to a URL. */
  poll?: number | undefined;
  key_file?: string | undefined;
  token_file?: string | undefined;
}

const defaultPollMs = 10_000;

interface SourceOptions {
  program: Program;
  mode: Mode;
  runtime: Pick<Runtime, "now" | "monotonicMicros" | "random">;
}

/** The parts of a workspace, each where it comes from. Throws `InvalidFile` for a key that cannot be used. */
export async function workspaceSources(paths: WorkspacePaths, options: SourceOptions): Promise<Sources> {
  const { policies, tools, agents, people } = paths;
  return {
    policies: await policiesSource(policies, options),
    catalogue: filesSource(
      () => [tools],
      async () => loadCatalogue(basename(tools), readText(tools)),
    ),
    agents: filesSource(
      () => [agents],
      async () => inSlices(readAgentsFile(basename(agents), readText(agents))),
    ),
    people: filesSource(
      () => [people],
      async () => parsePeopleFile(basename(people), readText(people)),
    ),
  };
}

/** True for a bundle that has to be fetched. */
export function isUrl(place: string): boolean {
  return /^https?:/i.test(place);
}

async function policiesSource(
  policies: WorkspacePaths["policies"],
  { program, mode, runtime }: SourceOptions,
): Promise<PartSource<PolicySet>> {
  const place = typeof policies === "string" ? { bundle: policies } : policies;
  const key = "key_file" in place && place.key_file !== undefined ? await readBundleKey(place.key_file) : null;
  if (typeof policies !== "string" && isUrl(policies.bundle)) {
    if (!key) throw new Error(`${policies.bundle}: a bundle from elsewhere needs a key_file to check its signature`);
    const { bundle: url, poll: pollMs = defaultPollMs, token_file: tokenFile } = policies;
    return new RemoteBundle({ url, key, tokenFile, pollMs, program, runtime });
  }
  const path = place.bundle;
  return filesSource(
    () => [path, ...policyFiles(path)],
    () => openPolicies(path, { program, mode, key }),
    new Rest(path),
  );
}
