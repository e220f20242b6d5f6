import type { ApprovalTerms } from "../../src/outcome.js";
import { deploy } from "./calls.js";
import type { Told } from "./envoy.js";
import { approvalOf, type HeldWorld, held, startHeld } from "./held_world.js";

let here: HeldWorld;
beforeEach(async () => {
  here = await startHeld();
});
afterEach(() => here.close());

describe("what holds when it is approved decides", () => {
  /** The answer to a held call when something else happens before the approval. */
  async function meanwhile(change: () => unknown): Promise<[Told, string]> {
    const telling = here.world.ask(deploy("asking"));
    const id = await here.asked();
    await change();
    await here.answer(id);
    return [await telling, id];
  }
  const deciding = (actions: unknown[]) => ({
    ...held,
    policies: { ...held.policies, "asking.yaml": { agent: "asking", actions } },
  });

  test("a rule that denies now wins, and the approval is not used up", async () => {
    const [told, id] = await meanwhile(() =>
      here.world.use(deciding([{ name: "deploy", approval_needed: true, max_replicas: 2 }])),
    );
    expect(told.metadata).toMatchObject({ enforced: "deny", reason: "max_replicas" });
    expect(told.metadata.policy_version).toBe(here.world.workspace.policies.version);
    expect(await here.statusOf(id)).toBe("approved");
    expect(await here.decisions()).toMatchObject([{ reason: "max_replicas", approval_id: id, human_approval: null }]);
  });

  test("an agent that was disabled gets nowhere", async () => {
    const agents = held.agents.map((agent) => ({ ...(agent as object), disabled: true }));
    const [told, id] = await meanwhile(() => here.world.use({ ...held, agents }));
    expect([told.status, told.metadata.reason]).toEqual([401, "agent_disabled"]);
    expect(await here.statusOf(id)).toBe("approved");
    expect(await here.decisions()).toMatchObject([{ reason: "agent_disabled", opa_decision: null, approval_id: id }]);
  });

  test("a call that is another one by now asks anew, and is not held again", async () => {
    const [tool] = held.tools as { params: string }[];
    const [told, id] = await meanwhile(() => here.world.use({ ...held, tools: [{ ...tool, environment: "live" }] }));
    expect(told.metadata).toMatchObject({ enforced: "approval_needed" });
    expect(approvalOf(told)).not.toBe(id);
    expect(await here.statusOf(id)).toBe("approved");
    expect([here.holds, (await here.decisions()).length]).toEqual([1, 1]);
  });

  test("a call that needs no approval any more uses none up", async () => {
    const [told, id] = await meanwhile(() => here.world.use(deciding([{ name: "deploy" }])));
    expect(told.status).toBe(200);
    expect(await here.statusOf(id)).toBe("approved");
    expect(await here.decisions()).toMatchObject([{ decision: "allow", human_approval: null }]);
  });

  test.each<[string, Partial<ApprovalTerms>]>([
    ["more people", { quorum: 2 }],
    ["other people", { approvers: [["security"]] }],
  ])("terms that ask for %s now do not take it, and the same call asks anew", async (_, stricter) => {
    const [told, id] = await meanwhile(() => {
      here.terms = { ...here.terms, ...stricter };
    });
    expect(told.metadata).toMatchObject({ enforced: "deny", reason: "override_invalid" });
    expect(await here.statusOf(id)).toBe("approved");
    here.terms = { ...here.terms, holdMs: 1 };
    const again = await here.world.ask(deploy("asking"));
    expect(again.metadata.reason).toBe("approval_needed");
    expect(approvalOf(again)).not.toBe(id);
  });

  test("a limit that is spent by now refuses, and the approval is not used up", async () => {
    await here.close();
    const asking = {
      agent: "asking",
      actions: [{ name: "deploy", approval_needed: true }, { name: "status" }],
      limits: { rate: "1/h" },
    };
    here = await startHeld({ policies: { "asking.yaml": asking } });
    const [told, id] = await meanwhile(() => here.world.ask(deploy("asking", { path: "/v1/status" })));
    expect(told).toMatchObject({ status: 429, metadata: { reason: "rate_exceeded" } });
    expect(await here.statusOf(id)).toBe("approved");
  });

  test("an approver who is none any more does not count", async () => {
    const telling = here.world.ask(deploy("asking"));
    const id = await here.asked();
    await here.answer(id);
    const { registry } = here.world.files;
    here.world.files = { ...here.world.files, registry: { ...registry, person: () => undefined } };
    expect((await telling).metadata.enforced).toBe("approval_needed");
    expect(await here.statusOf(id)).toBe("approved");
  });
});
