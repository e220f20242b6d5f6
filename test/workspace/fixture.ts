import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadProgram } from "../../src/policies/program.js";
import { systemRuntime } from "../../src/runtime.js";
import { workspaceSources } from "../../src/workspace/sources.js";
import { type WatchedWorkspace, type WatchOptions, watchWorkspace } from "../../src/workspace/watch.js";
import type { Sources } from "../../src/workspace/workspace.js";

export const program = loadProgram();

export const policyOf = (agent: string, replicas = 50): string =>
  `agent: ${agent}\nactions:\n  - {name: deploy, max_replicas: ${replicas}}\n`;
export const toolsOf = (name: string): string =>
  `tools:\n  - {name: ${name}, match: {hosts: [h], path: "/{action}"}, action: "{path.action}"}\n`;
export const agentsOf = (...ids: string[]): string => `agents: [${ids.map((id) => `{id: ${id}}`).join(", ")}]\n`;

const first = {
  "policies/a.yaml": policyOf("a"),
  "tools.yaml": toolsOf("t"),
  "agents.yaml": agentsOf("a"),
  "people.yaml": "people: []\n",
};

/** A folder with a user's files, watched, with what the watcher told. */
export interface Watched {
  folder: string;
  watched: WatchedWorkspace;
  /** `part version-or-names` of each load, `part! message` of each refusal, in order. */
  told: string[];
  write(name: string, text: string): Promise<void>;
  path(name: string): string;
  /** What is in force: agents with a policy, tools, registered agents. */
  inForce(): { policies: string[]; tools: string[]; agents: string[] };
  stop(): Promise<void>;
}

/** `given`: what stands in place of what the files make, or how that is made of their sources. */
export async function watch(
  given: Partial<WatchOptions> | ((sources: Sources) => Partial<WatchOptions>) = {},
  files: Record<string, string> = first,
): Promise<Watched> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-workspace-"));
  const path = (name: string): string => join(folder, name);
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const told: string[] = [];
  const paths = {
    policies: path("policies"),
    tools: path("tools.yaml"),
    agents: path("agents.yaml"),
    people: path("people.yaml"),
  };
  const sources = await workspaceSources(paths, { program, mode: "enforce", runtime: systemRuntime });
  const { sources: replaced, ...options } = typeof given === "function" ? given(sources) : given;
  const starting = watchWorkspace({
    sources: { ...sources, ...replaced },
    // Tests look when they are ready.
    intervalMs: 3_600_000,
    onLoaded: async (part) => void told.push(part),
    onRefused: async (part, error) => void told.push(`${part}! ${error.message.replaceAll(`${folder}/`, "")}`),
    ...options,
  });
  const watched = await starting.catch(async (error) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  told.length = 0;
  return {
    folder,
    watched,
    told,
    write,
    path,
    inForce() {
      const { policies, catalogue, registry } = watched.current();
      return {
        policies: [...policies.documents.keys()].filter((agent) => agent !== "*"),
        tools: catalogue.tools.map(({ name }) => name),
        agents: registry.agents().map(({ id }) => id),
      };
    },
    async stop() {
      await watched.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
