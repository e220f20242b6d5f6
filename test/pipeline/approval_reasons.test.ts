import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { deploy } from "./calls.js";
import type { Told } from "./envoy.js";
import { approvalOf, type HeldWorld, held, startHeld, viewer } from "./held_world.js";
import type { Files } from "./world.js";

const opa = await requirePart("opa", findOpa);
// Policies in Rego are compiled with the program of this name.
if ("value" in opa) process.env.OPA_BIN = opa.value.program;

const asking = (action: object): Files["policies"] => ({
  "asking.yaml": { agent: "asking", actions: [{ name: "deploy", ...action }] },
});
const many = { max_replicas: { value: 2, on_violation: "approval_needed" } };
const card = { dlp: { payment_card: { action: "deny", on_violation: "approval_needed" } } };
const blocked = { windows: { value: { deny: [{ hours: "12:10-13:00" }] }, on_violation: "approval_needed" } };
const notes = `package notes

allow if input.tool == "deploy-api"

requires_human_approval if input.http.headers["x-note"]
`;

let here: HeldWorld;
afterEach(() => here.close());

/** The call with what its fingerprint does not bind. */
function call(note?: string, override?: string): ReturnType<typeof deploy> {
  const request = deploy("asking", {}, override);
  return note === undefined ? request : { ...request, headers: [...request.headers, ["x-note", note]] };
}

async function start(policies: Files["policies"], holdMs?: number): Promise<void> {
  here = await startHeld({ policies });
  here.terms = { approvers: [], quorum: 1, ...(holdMs !== undefined && { holdMs }) };
}

async function approve(id: string): Promise<string> {
  await here.answer(id);
  const token = (await here.world.approvals.show(id, viewer))?.override_token;
  if (token === undefined) throw new Error(`approval ${id} cannot be redeemed`);
  return token;
}

/** Nothing passed, and the approval is kept. */
async function expectChanged(told: Told, id: string): Promise<void> {
  expect(told).toMatchObject({ status: 403, metadata: { enforced: "deny", reason: "override_invalid" } });
  expect(JSON.parse(told.body).detail).toMatch(/^what needs approval has changed .* without the token/);
  expect(JSON.parse(told.body)).not.toHaveProperty("approval");
  expect(await here.statusOf(id)).toBe("approved");
  expect((await here.decisions()).at(-1)).toMatchObject({ reason: "override_invalid", human_approval: null });
}

/** What happens between the approval and the call that rests on it. */
type Attack = [what: string, policies: Files["policies"], meanwhile: () => unknown, note?: string];

const changes: Attack[] = [
  [
    "an hour that is blocked by now",
    asking({ ...many, ...blocked }),
    () => {
      here.world.nowMs += 600_000;
    },
  ],
  [
    "a policy that asks for something else by now",
    asking(many),
    () => here.world.use({ ...held, policies: asking({ approval_needed: true }) }),
  ],
];
const withRego = { ...asking({ ...many, rego: ["notes"] }), "notes.rego": notes };
const byRego: Attack = ["Rego that asks because of a header", withRego, () => undefined, "hello"];

async function tokenDoesNotPass(...[, policies, meanwhile, note]: Attack): Promise<void> {
  await start(policies);
  const id = approvalOf(await here.world.ask(call()));
  const token = await approve(id);
  await meanwhile();
  await expectChanged(await here.world.ask(call(note, token)), id);

  const again = await here.world.ask(call(note));
  expect(again.metadata.reason).toBe("approval_needed");
  expect(approvalOf(again)).not.toBe(id);
  expect((await here.world.ask(call(note, await approve(approvalOf(again))))).status).toBe(200);
}

describe("the token of an approval lets nothing through that people did not see", () => {
  test.each(changes)("%s", tokenDoesNotPass);

  test("data in a header is refused whatever was approved", async () => {
    await start(asking({ ...many, ...card }));
    const id = approvalOf(await here.world.ask(call()));
    const told = await here.world.ask(call("4111111111111111", await approve(id)));
    expect([told.status, told.metadata.reason, await here.statusOf(id)]).toEqual([403, "dlp", "approved"]);
  });
});
describeWith(opa, "nor that only Rego sees", () => {
  test.each([byRego])("%s", tokenDoesNotPass);

  test("what needs less by now than was approved passes", async () => {
    await start(withRego);
    const id = approvalOf(await here.world.ask(call("hello")));
    expect((await here.world.approvals.show(id, viewer))?.violations.map(({ rule }) => rule)).toEqual([
      "approval_needed",
      "max_replicas",
    ]);
    const told = await here.world.ask(call(undefined, await approve(id)));
    expect([told.status, await here.statusOf(id)]).toEqual([200, "consumed"]);
  });

  test("a held call waits for an approval of its own reasons", async () => {
    await start(withRego, 30_000);
    const telling = [here.world.ask(call()), here.world.ask(call("hello"))];
    const pending = await until(
      async () => {
        const all = await here.world.approvals.list({ limit: 10, status: "pending" });
        return here.holds === 2 && all.length === 2 && all;
      },
      { what: "two calls that are held" },
    );
    const [one, both] = pending.toSorted((a, b) => a.violations.length - b.violations.length).map(({ id }) => id);
    if (one === undefined || both === undefined) throw new Error("not asked twice");
    await here.answer(one);
    expect((await telling[0])?.status).toBe(200);
    await here.answer(both, "deny");
    expect((await telling[1])?.metadata.reason).toBe("approval_denied");
  });
});

describe("a call that is held", () => {
  test.each(changes)("does not pass %s", async (_, policies, meanwhile) => {
    await start(policies, 30_000);
    const telling = here.world.ask(call());
    const id = await here.asked();
    await meanwhile();
    await here.answer(id);
    await expectChanged(await telling, id);
  });
});
