import { check, cleanUp, client, start } from "../grpc/harness.js";
import { until } from "../harness/until.js";
import { deploy } from "./calls.js";
import { asEnvoyAsks, asEnvoySends } from "./envoy.js";
import { approvalOf, type HeldWorld, startHeld, viewer } from "./held_world.js";

let here: HeldWorld;
beforeEach(async () => {
  here = await startHeld();
});
afterEach(async () => {
  await cleanUp();
  await here.close();
});

describe("a call that is held", () => {
  test("goes on when it is approved, and leaves one record that names who approved", async () => {
    const call = deploy("asking");
    const telling = here.world.ask(call);
    const id = await here.asked();
    expect(await here.decisions()).toEqual([]);
    // Others are answered meanwhile.
    expect((await here.world.ask(deploy("bot"))).status).toBe(200);
    await here.answer(id);
    const told = await telling;
    expect(told).toMatchObject({ status: 200, metadata: { decision: "allow", enforced: "allow", reason: "allowed" } });
    expect(told.ok?.headers_to_remove).toContain("x-countersign-override");
    expect(await here.statusOf(id)).toBe("consumed");
    const [, record, ...others] = await here.decisions();
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      decision: "allow",
      enforced: "allow",
      mode: "enforce",
      approval_id: id,
      decision_id: told.metadata.decision_id,
      human_approval: [{ approver: "alice@example.com", approval_id: id }],
      outcome: "allowed",
    });
    // The wait is part of the time that the decision took.
    expect(record?.latency_us).toBeGreaterThan(1_000);
    expect(JSON.stringify(record)).not.toContain("eyJ");
  });

  test("is let through once: the same call again asks anew", async () => {
    const telling = here.world.ask(deploy("asking"));
    const first = await here.asked();
    await here.answer(first);
    expect((await telling).status).toBe(200);
    here.terms = { ...here.terms, holdMs: 1 };
    const again = await here.world.ask(deploy("asking"));
    expect(again.metadata.reason).toBe("approval_needed");
    expect(approvalOf(again)).not.toBe(first);
  });

  test("is denied when people deny it", async () => {
    const telling = here.world.ask(deploy("asking"));
    const id = await here.asked();
    await here.answer(id, "deny");
    const told = await telling;
    expect(told).toMatchObject({ status: 403, metadata: { decision: "deny", reason: "approval_denied" } });
    expect(JSON.parse(told.body)).toMatchObject({
      error: "PolicyViolation",
      detail: expect.stringContaining("denied"),
    });
    expect(JSON.parse(told.body)).not.toHaveProperty("approval");
    const recorded = await here.decisions();
    expect(recorded).toHaveLength(1);
    expect(recorded[0]).toMatchObject({
      reason: "approval_denied",
      approval_id: id,
      human_approval: null,
      mode: "enforce",
    });
    expect(recorded[0]?.opa_decision).not.toBeNull();
  });

  test("is told to ask when nobody answers in time, and can bring the token later", async () => {
    here.terms = { ...here.terms, holdMs: 50 };
    const told = await here.world.ask(deploy("asking"));
    expect(told).toMatchObject({ status: 403, metadata: { decision: "approval_needed", reason: "approval_needed" } });
    const id = approvalOf(told);
    expect(await here.decisions()).toMatchObject([{ approval_id: id, outcome: "pending" }]);
    await here.answer(id);
    const token = (await here.world.approvals.show(id, viewer))?.override_token;
    expect((await here.world.ask(deploy("asking", {}, token))).status).toBe(200);
    expect(here.holds).toBe(1);
  });

  test("may have brought the token of another call", async () => {
    here.terms = { ...here.terms, holdMs: 1 };
    const id = approvalOf(await here.world.ask(deploy("asking")));
    await here.answer(id);
    const token = (await here.world.approvals.show(id, viewer))?.override_token;
    here.terms = { ...here.terms, holdMs: 30_000 };
    const telling = here.world.ask(deploy("asking", { path: "/v1/deploy?other=1" }, token));
    await here.answer(await here.asked());
    expect((await telling).status).toBe(200);
    expect(await here.statusOf(id)).toBe("approved");
  });

  test("lets one of two equal calls through", async () => {
    const telling = [here.world.ask(deploy("asking")), here.world.ask(deploy("asking"))];
    await until(() => here.holds === 2, { what: "both to be held" });
    await here.answer(await here.asked());
    const reasons = (await Promise.all(telling)).map(({ metadata }) => metadata.reason);
    const [first, second] = reasons.sort();
    expect(first).toBe("allowed");
    // The other one gets the token too, and is too late with it, or finds the approval used up when it looks.
    expect(["approval_needed", "override_used"]).toContain(second);
    expect(await here.decisions()).toHaveLength(2);
  });

  test("waits for two members of a group, and takes no answer from outside", async () => {
    here.terms = { ...here.terms, quorum: 2, approvers: [["sre"]] };
    const telling = here.world.ask(deploy("asking"));
    const id = await here.asked();
    await here.answer(id);
    await expect(here.answer(id, "approve", "dan@example.com")).rejects.toMatchObject({ code: "not_in_group" });
    expect(await here.decisions()).toEqual([]);
    await here.answer(id, "approve", "bob@example.com");
    expect((await telling).status).toBe(200);
    const [record] = await here.decisions();
    expect(record?.human_approval).toMatchObject([{ approver: "alice@example.com" }, { approver: "bob@example.com" }]);
  });
});

describe("no approval is used up for a caller who is gone", () => {
  test("as the pipeline is told", async () => {
    let gone = false;
    const answering = here.world.decide(asEnvoyAsks(deploy("asking")), { cancelled: () => gone });
    const id = await here.asked();
    gone = true;
    await here.answer(id);
    await answering;
    expect(await here.statusOf(id)).toBe("approved");
    expect(await here.decisions()).toMatchObject([{ decision: "approval_needed", approval_id: id }]);
  });

  test("as the gRPC server sees it", async () => {
    const { server } = await start({ check: here.world.decide });
    const answering = check(client(server), asEnvoySends(deploy("asking")), (call) => {
      void here.asked().then(() => call.cancel());
    });
    expect((await answering).error?.code).toBe(1);
    const recorded = await until(async () => (await here.decisions())[0], { what: "the record of the cancelled call" });
    await here.answer(recorded.approval_id as string);
    expect(recorded).toMatchObject({ decision: "approval_needed", outcome: "pending" });
    expect(await here.statusOf(recorded.approval_id as string)).toBe("approved");
  });
});

test.each([
  [
    "in shadow",
    {
      policies: {
        "asking.yaml": { agent: "asking", mode: "shadow", actions: [{ name: "deploy", approval_needed: true }] },
      },
    },
  ],
  ["in a dry run", { config: { dry_run: true } }],
  ["that is denied", { policies: { "asking.yaml": { agent: "asking", actions: [{ name: "scale" }] } } }],
  ["that is allowed", { policies: { "asking.yaml": { agent: "asking", actions: [{ name: "deploy" }] } } }],
])("a call %s is never held", async (_, more) => {
  await here.close();
  here = await startHeld(more);
  await here.world.ask(deploy("asking"));
  expect(here.holds).toBe(0);
  expect(await here.world.approvals.list({ limit: 10 })).toEqual([]);
});

test("a policy without `hold` answers at once", async () => {
  here.terms = { approvers: [], quorum: 1 };
  expect((await here.world.ask(deploy("asking"))).metadata.reason).toBe("approval_needed");
  expect(here.holds).toBe(0);
});

test("beyond as many as are held of one agent, the answer comes at once", async () => {
  const waiting = Array.from({ length: 20 }, () => here.world.ask(deploy("asking")));
  await until(() => here.holds === 20, { what: "all places to be taken" });
  expect((await here.world.ask(deploy("asking"))).metadata.reason).toBe("approval_needed");
  here.world.approvals.release();
  for (const told of await Promise.all(waiting)) expect(told.metadata.reason).toBe("approval_needed");
  expect(await here.decisions()).toHaveLength(21);
});

test("an answer that races the end of the hold lets the call through once, now or with the token", async () => {
  for (let round = 0; round < 40; round += 1) {
    here.terms = { ...here.terms, holdMs: 10 };
    const path = `/v1/deploy?round=${round}`;
    const telling = here.world.ask(deploy("asking", { path }));
    const [newest] = await until(
      async () => {
        const pending = await here.world.approvals.list({ limit: 1, status: "pending" });
        return pending.length > 0 && pending;
      },
      { what: "the approval", everyMs: 1 },
    );
    const id = newest?.id ?? "";
    // Around the end, before it and after it.
    await new Promise((resolve) => setTimeout(resolve, round % 14));
    await here.answer(id);
    const told = await telling;
    if (told.status === 200) expect(await here.statusOf(id)).toBe("consumed");
    else {
      expect([told.metadata.reason, approvalOf(told), await here.statusOf(id)]).toEqual([
        "approval_needed",
        id,
        "approved",
      ]);
      const token = (await here.world.approvals.show(id, viewer))?.override_token;
      expect((await here.world.ask(deploy("asking", { path }, token))).status).toBe(200);
    }
    here.world.nowMs += 1;
  }
  expect((await here.decisions()).filter(({ decision }) => decision === "allow")).toHaveLength(40);
});
