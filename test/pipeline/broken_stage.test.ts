import { type Stages, stages } from "../../src/pipeline.js";
import { Refusal } from "../../src/refusal.js";
import { deploy, files } from "./calls.js";
import { asEnvoyAsks, asEnvoyReads, type Told } from "./envoy.js";
import { startWorld, type World } from "./world.js";

type StageName = keyof Stages;
/** Those through which a call of an HTTP tool goes; the other two have tests of their own. */
const names = (Object.keys(stages) as StageName[]).filter((name) => name !== "describe" && name !== "note");
/** Shadow covers these. */
const covered: readonly StageName[] = ["recall", "evaluate", "settle"];
/** These may wait; the others answer at once. */
const waitedFor: readonly StageName[] = ["identify", "attest", "recall", "settle", "record"];

const internal = "internal-detail-4711";
const thrown: [string, unknown, string][] = [
  ["an Error", new Error(internal), internal],
  ["an Error with a cause", new Error("outer", { cause: new Error(internal) }), internal],
  ["undefined", undefined, "undefined"],
  ["null", null, "null"],
  ["a string", internal, internal],
  ["an object without a prototype", Object.assign(Object.create(null), { reason: internal }), internal],
  ["something that looks like a refusal", { name: "Refusal", reason: "allowed", message: internal }, internal],
];

/** A world in which one stage, and nothing else, is another. */
async function worldWith(name: StageName, stage: () => unknown, dryRun = false): Promise<World> {
  return startWorld({ ...files, config: { dry_run: dryRun } }, { stages: { [name]: stage } });
}

function throwing(value: unknown): () => never {
  return () => {
    throw value;
  };
}

async function inWorld(world: World, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } finally {
    await world.close();
  }
}

function expectBareDenial(told: Told): void {
  expect(told).toMatchObject({ status: 503, grpcStatus: 7, ok: null, headers: {}, body: "", metadata: {} });
}

function expectDenial(told: Told): void {
  expect(told).toMatchObject({ status: 503, grpcStatus: 7, ok: null });
  expect(JSON.parse(told.body)).toMatchObject({
    error: "Unavailable",
    reason: "internal_error",
    decision: "deny",
    detail: "the authorizer failed",
    violations: [],
  });
  expect(told.metadata).toMatchObject({ decision: "deny", enforced: "deny", reason: "internal_error" });
}

describe.each(names)("stage %s", (name) => {
  test.each(thrown)("throws %s", async (_, value, logged) => {
    const world = await worldWith(name, throwing(value));
    await inWorld(world, async () => {
      const told = await world.ask(deploy("bot"));
      if (name === "respond") expectBareDenial(told);
      else expectDenial(told);
      expect(JSON.stringify(told)).not.toContain(internal);

      const records = await world.records();
      // The record comes before the answer, so of a call that could not be answered it says what was decided.
      const recorded = name === "respond" ? ["allow", "allowed"] : ["deny", "internal_error"];
      expect(records.map(({ enforced, reason }) => [enforced, reason])).toEqual(name === "record" ? [] : [recorded]);
      expect(JSON.stringify(records)).not.toContain(internal);

      const line = world.log.at(-1);
      expect(line).toMatchObject({ level: 50, msg: "decision", errors: [expect.anything()] });
      expect(JSON.stringify(line?.errors)).toContain(logged);
    });
  });

  test("throws for an agent in shadow", async () => {
    const world = await worldWith(name, throwing(new Error(internal)));
    await inWorld(world, async () => {
      const told = await world.ask(deploy("shadow"));
      if (!covered.includes(name)) {
        if (name === "respond") expectBareDenial(told);
        else expectDenial(told);
        return;
      }
      expect(told).toMatchObject({ status: 200, grpcStatus: 0 });
      expect(told.metadata).toMatchObject({
        decision: "deny",
        enforced: "allow",
        mode: "shadow",
        reason: "internal_error",
      });
      expect(await world.records()).toMatchObject([
        { decision: "deny", enforced: "allow", mode: "shadow", reason: "internal_error", outcome: "allowed" },
      ]);
    });
  });

  test("throws in a dry run, which enforces nothing", async () => {
    const world = await worldWith(name, throwing(new Error(internal)), true);
    await inWorld(world, async () => {
      const told = await world.ask(deploy("bot"));
      if (name === "respond") expectBareDenial(told);
      else expect(told).toMatchObject({ status: 200, metadata: { decision: "deny", reason: "internal_error" } });
    });
  });
});

test.each(waitedFor)("stage %s rejects a moment later", async (name) => {
  const world = await worldWith(name, () => new Promise((_, reject) => setImmediate(reject, new Error(internal))));
  await inWorld(world, async () => expectDenial(await world.ask(deploy("bot"))));
});

test("what cannot be noted changes no answer, and is logged", async () => {
  const world = await worldWith("note", throwing(new Error(internal)));
  await inWorld(world, async () => {
    const told = await world.ask(deploy("bot", { host: "unknown.internal" }));
    expect([told.status, told.metadata.reason]).toEqual([403, "unknown_tool"]);
    expect(JSON.stringify(told)).not.toContain(internal);
    expect(JSON.stringify(world.log.at(-1)?.errors)).toContain(internal);
  });
});

test.each(thrown)("a call that is described is denied too when that stage throws %s", async (_, value) => {
  const world = await worldWith("describe", throwing(value));
  await inWorld(world, async () => {
    const answer = await world.decide(asEnvoyAsks(deploy("bot")), { cancelled: () => false, described: true });
    expectDenial(asEnvoyReads(answer));
  });
});

const garbage = [undefined, null, {}, [], "allow", true, 0, { verdict: "allow" }, { value: "allow" }];
// `record` gives nothing when all is well.
const giving = names.filter((name) => name !== "record");
test.each(giving.flatMap((name) => garbage.map((value) => [name, value] as const)))(
  "stage %s gives %j",
  async (name, value) => {
    const world = await worldWith(name, () => value);
    await inWorld(world, async () => {
      const denied = world.ask(deploy("bot")).then(
        (told) => told.ok === null && told.status === 503,
        // With what types rule out, there may be no answer at all: the gRPC server says INTERNAL, which Envoy takes for a 503.
        (error: unknown) => error instanceof TypeError,
      );
      expect(await denied).toBe(true);
    });
  },
);

test("a refusal with a cause is told as the refusal and logged with its cause", async () => {
  const refusal = new Refusal("token_invalid", "the token does not hold", { cause: new Error(internal) });
  const world = await worldWith("identify", throwing(refusal));
  await inWorld(world, async () => {
    const told = await world.ask(deploy("bot"));
    expect(told.status).toBe(401);
    expect(JSON.stringify(told)).not.toContain(internal);
    expect(JSON.stringify(world.log.at(-1)?.errors)).toContain(internal);
  });
});

test("a refusal without a cause is no failure", async () => {
  const world = await worldWith("identify", throwing(new Refusal("token_invalid", "the token does not hold")));
  await inWorld(world, async () => {
    expect((await world.ask(deploy("bot"))).status).toBe(401);
    expect(world.log.at(-1)).not.toHaveProperty("errors");
  });
});

test("a program that fails is thrown away, and the next call is judged by a new one", async () => {
  let broken = true;
  const world = await startWorld(files, {
    wrap: ({ engine }) => ({
      engine: {
        ...engine,
        run(...call) {
          if (broken) throw new Error("unreachable");
          return engine.run(...call);
        },
      },
    }),
  });
  await inWorld(world, async () => {
    const failed = await world.ask(deploy("bot"));
    expect([failed.status, failed.metadata.reason]).toEqual([503, "evaluation_failed"]);
    expect((await world.ask(deploy("shadow"))).metadata).toMatchObject({ decision: "deny", enforced: "allow" });
    broken = false;
    expect((await world.ask(deploy("bot"))).status).toBe(200);
  });
});

test("an answer that no program gives is a denial", async () => {
  const lists = { violations: [], sanitize: [], redact: [], terms: [], asked: [] };
  const view = { verdict: "allow", reason: "allowed", redeems: false, ...lists };
  const rest = { tags: [], costs: [] };
  const whole = { decision: view, enforced: view, ...rest };
  const answers: unknown[] = [undefined, null, true, "allow", [], {}];
  answers.push(...Object.keys(whole).map((member) => ({ ...whole, [member]: undefined })));
  const spoilt = Object.keys(view).flatMap((member) => [
    { ...view, [member]: undefined },
    { ...view, [member]: 1 },
  ]);
  const asked = [{ rule: "max_n" }] as never[];
  spoilt.push({ ...view, redeems: true }, { ...view, asked });
  answers.push(...spoilt.map((one) => ({ ...whole, enforced: one })));
  answers.push(...spoilt.map((one) => ({ ...whole, decision: one })));
  let answer: unknown;
  const world = await startWorld(files, { wrap: ({ engine }) => ({ engine: { ...engine, run: () => answer } }) });
  await inWorld(world, async () => {
    for (const next of answers) {
      answer = next;
      expect([next, (await world.ask(deploy("bot"))).metadata.reason]).toEqual([next, "evaluation_failed"]);
    }
    answer = whole;
    expect((await world.ask(deploy("bot"))).status).toBe(200);
  });
});
