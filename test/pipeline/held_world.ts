import type { ApprovalTerms } from "../../src/outcome.js";
import { stages } from "../../src/pipeline.js";
import type { AuditLine } from "../harness/records.js";
import { until } from "../harness/until.js";
import { files } from "./calls.js";
import type { Told } from "./envoy.js";
import { type Files, startWorld, type World } from "./world.js";

/** Two people of one group, and one of another. */
export const held: Files = {
  ...files,
  people: [
    { id: "alice@example.com", access: ["approver"], groups: ["sre"] },
    { id: "bob@example.com", access: ["approver"], groups: ["sre"] },
    { id: "dan@example.com", access: ["approver"], groups: ["security"] },
  ],
};

/** The agent `asking` in its open session. */
export const viewer = { kind: "agent", agent: "asking", session: "open:asking" } as const;

/** A world whose policies demand approvals under `terms`, 30 seconds of waiting at first. */
export interface HeldWorld {
  world: World;
  terms: ApprovalTerms;
  /** How often a call was held. */
  holds: number;
  answer(id: string, decision?: "approve" | "deny", by?: string): Promise<unknown>;
  /** The one approval that is pending, once a call is held for it. */
  asked(): Promise<string>;
  statusOf(id: string): Promise<string | undefined>;
  /** The records of decisions so far. */
  decisions(): Promise<AuditLine[]>;
  close(): Promise<void>;
}

export async function startHeld(more: Partial<Files> = {}): Promise<HeldWorld> {
  const world = await startWorld(
    { ...held, ...more },
    {
      stages: {
        evaluate: async (parts) => {
          const evaluation = await stages.evaluate(parts);
          return { ...evaluation, enforced: { ...evaluation.enforced, terms: here.terms } };
        },
      },
      wrap: ({ approvals }) => ({
        approvals: {
          ...approvals,
          hold: (call) => {
            here.holds += 1;
            return approvals.hold(call);
          },
        },
      }),
    },
  );
  const here: HeldWorld = {
    world,
    terms: { approvers: [], quorum: 1, holdMs: 30_000 },
    holds: 0,
    async answer(id, decision = "approve", by = "alice@example.com") {
      const person = world.workspace.registry.person(by);
      if (!person) throw new Error(`nobody is called ${by}`);
      return world.approvals.answer(id, person, { decision });
    },
    asked: () =>
      until(
        async () => {
          const [pending, ...others] = await world.approvals.list({ limit: 10, status: "pending" });
          return here.holds > 0 && others.length === 0 && pending?.id;
        },
        { what: "a call that is held" },
      ),
    statusOf: async (id) => (await world.approvals.list({ limit: 1000 })).find((one) => one.id === id)?.status,
    decisions: async () => (await world.records()).filter(({ kind }) => kind === "decision"),
    async close() {
      world.approvals.release();
      await world.close();
    },
  };
  return here;
}

export const approvalOf = ({ body }: Told): string => JSON.parse(body).approval.id;
