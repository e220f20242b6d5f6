/**
 * Contender (b), in a process of its own: our gRPC server, pipeline and policy program over the files of the folder that is
 * named as the argument. What needs a token, a store, a disk or a collector is replaced, and the agent is the one that the
 * header `x-agent-id` names. That proves nothing: for measurements only.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PipelineDeps, Stages } from "../../src/pipeline.js";
import { built } from "./built.js";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder of the files");

const { keepHeapAtRest } = await built<typeof import("../../src/heap_at_rest.js")>("heap_at_rest.js");
keepHeapAtRest();
const { createPipeline, stages } = await built<typeof import("../../src/pipeline.js")>("pipeline.js");
const { startGrpcServer } = await built<typeof import("../../src/grpc/server.js")>("grpc/server.js");
const { createEngine } = await built<typeof import("../../src/evaluate/engine.js")>("evaluate/engine.js");
const { loadProgram } = await built<typeof import("../../src/policies/program.js")>("policies/program.js");
const { openPolicies } = await built<typeof import("../../src/workspace/policies.js")>("workspace/policies.js");
const { loadCatalogue } = await built<typeof import("../../src/decode/index.js")>("decode/index.js");
const { loadRegistry } = await built<typeof import("../../src/registry/load.js")>("registry/load.js");
const { systemRuntime } = await built<typeof import("../../src/runtime.js")>("runtime.js");
const { Refusal } = await built<typeof import("../../src/refusal.js")>("refusal.js");

const program = loadProgram();
const textOf = async (file: string) => ({ file, text: await readFile(join(folder, file), "utf8") });
const registry = loadRegistry({ agents: await textOf("agents.yaml"), people: await textOf("people.yaml") });
const tools = await textOf("tools.yaml");
const inForce = {
  policies: await openPolicies(join(folder, "policies"), { program, mode: "enforce" }),
  catalogue: loadCatalogue(tools.file, tools.text),
  registry,
};

const identify: Stages["identify"] = async ({ headers }) => {
  const id = headers.find(({ name }) => name === "x-agent-id")?.value ?? "";
  const agent = registry.agent(id);
  if (!agent) throw new Refusal("agent_unknown", "nobody is registered under this name");
  const { scopes, roles } = agent;
  return { agent: { id, scopes, roles }, credential: "header", credentialHeader: null, session: {}, facts: {} };
};
const replaced: Stages = {
  ...stages,
  identify,
  settle: async () => ({ enforced: { outcome: "ok" }, shadow: { outcome: "ok" } }),
  note: async () => undefined,
  record: async () => {},
};

/** Whoever asks for it does what this contender is said not to do. */
const absent = (what: string) =>
  new Proxy({}, { get: (_, name) => assertUnused(`${what}.${String(name)} is not part of this measurement`) }) as never;
function assertUnused(message: string): never {
  throw new Error(message);
}

const telemetry: PipelineDeps["telemetry"] = {
  start: () => ({ traceId: "", end: ({ failures }) => failures.length > 0 && console.error(failures) }),
  timed: (all) =>
    Object.fromEntries(
      Object.entries(all).map(([name, run]) => [name, (_on: unknown, ...args: unknown[]) => run(...args)]),
    ) as never,
};

const decide = createPipeline(
  {
    runtime: systemRuntime,
    workspace: () => inForce,
    credentials: { revocations: { unheardMs: () => 0, fresh: async () => {} } } as never,
    approvalKey: absent("the key of approvals"),
    engine: createEngine(program),
    rego: absent("the pool"),
    store: absent("the store"),
    approvals: { statusUrl: () => "" } as never,
    audit: absent("the audit trail"),
    telemetry,
    tell: () => {},
    options: {
      maxBodyBytes: 1 << 20,
      unmatched: "deny",
      dryRun: false,
      stripCredentials: true,
      approvalExpiresMs: 900_000,
      trustPrincipal: false,
      goesOnMs: 0,
      sessions: { ttlMs: 86_400_000, learningMs: 604_800_000, burst: { refusals: 5, withinMs: 60_000 } },
      attestation: { required: false, maxAgeMs: 600_000, keys: [], own: absent("the key of attestations") },
    },
  },
  replaced,
);
const log = { info: () => {}, warn: console.error, error: console.error };
const server = await startGrpcServer({ listen: { kind: "tcp", host: "127.0.0.1", port: 0 }, check: decide, log });
server.setServing(true);
console.log(`ready on ${server.address}`);
// A profile is written at an ordinary end only.
process.once("SIGTERM", () => process.exit(0));
