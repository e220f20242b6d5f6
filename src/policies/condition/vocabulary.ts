import type { ObservedSession, SessionAttestation } from "../../session.js";
import type { Condition } from "./flat.js";

/** Types a condition can be checked against at load. `dyn` is known only when the call is there. */
export type Type = "string" | "number" | "bool" | "list" | "map" | "dyn" | "null";

interface Name {
  type: Type;
  /** Where the value stands in the input document. */
  path: string[];
  /** The only fields there are; absent = any field (of type `dyn`). */
  fields?: Record<string, Type>;
}

/** What the token proves. */
const provenOfSession = {
  id: "string",
  bound: "bool",
  initiated_by: "string",
  role: "string",
  clearance: "string",
  workflow_run_id: "string",
} as const satisfies Record<string, Type>;

/** What the session did so far; only there when somebody looked. */
const historyOfSession = {
  data_classification: "list",
  integrity: "string",
  anomalies: "number",
  tools: "list",
  calls: "number",
  passed: "number",
  refused: "number",
} as const satisfies { [K in keyof ObservedSession]: Type };

const attested = {
  session_id: "string",
  workflow_run_id: "string",
  initiated_by: "string",
  role: "string",
  clearance: "string",
  data_classification: "list",
  anomalies_detected: "bool",
  session_integrity: "string",
} as const satisfies { [K in keyof Required<Omit<SessionAttestation, "agent_id">>]: Type };

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
    fields: { ...provenOfSession, ...historyOfSession },
  },
  attestation: { type: "map", path: ["session_attestation"], fields: attested },
  facts: { type: "map", path: ["facts"] },
  destination: { type: "map", path: ["destination"], fields: { host: "string", port: "number", scheme: "string" } },
  time: { type: "map", path: ["time"], fields: { unix_ms: "number" } },
};

/** True for a condition over something that is there only when somebody looked at the session's history. */
export function asksHistory({ atoms }: Condition): boolean {
  return atoms.some((atom) => {
    if (atom.op === "has") return "path" in atom.left && isHistory([...atom.left.path, atom.field]);
    const sides = atom.op === "is" ? [atom.left] : [atom.left, atom.right];
    return sides.some((side) => "path" in side && isHistory(side.path));
  });
}

function isHistory([name, field]: readonly string[]): boolean {
  if (name === "session") return field === undefined || !Object.hasOwn(provenOfSession, field);
  return name === "session_attestation";
}
