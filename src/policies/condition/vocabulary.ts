/** Types a condition can be checked against at load. `dyn` is known only when the call is there. */
export type Type = "string" | "number" | "bool" | "list" | "map" | "dyn" | "null";

interface Name {
  type: Type;
  /** Where the value stands in the input document. */
  path: string[];
  /** The only fields there are; absent = any field (of type `dyn`). */
  fields?: Record<string, Type>;
}

/** Every name a condition may use, with its place in the input document. */
export const vocabulary: Readonly<Record<string, Name>> = {
  agent: { type: "map", path: ["agent"], fields: { id: "string", model: "string", scopes: "list", roles: "list" } },
  env: { type: "string", path: ["environment"] },
  tool: { type: "string", path: ["tool"] },
  action: { type: "string", path: ["action"] },
  params: { type: "map", path: ["params"] },
  session: {
    type: "map",
    path: ["session"],
    fields: {
      id: "string",
      bound: "bool",
      initiated_by: "string",
      role: "string",
      clearance: "string",
      workflow_run_id: "string",
    },
  },
  facts: { type: "map", path: ["facts"] },
  destination: { type: "map", path: ["destination"], fields: { host: "string", port: "number", scheme: "string" } },
  time: { type: "map", path: ["time"], fields: { unix_ms: "number" } },
};
