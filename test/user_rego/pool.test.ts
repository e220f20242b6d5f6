import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type CompiledRego, compileRego } from "../../src/rego/compile.js";
import { createRegoPool, type RegoPool } from "../../src/rego/pool.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository } from "../harness/programs.js";
import { until } from "../harness/until.js";
import { endless, greedy, simple, slow } from "./policies.js";

const opa = await requirePart("opa", findOpa);
const none = { deny: false, requires_human_approval: false, allow: false };
/** Far more than an evaluation takes, on a machine that is busy with other tests too. */
const patient = 5_000;

describeWith(opa, "a pool", (use) => {
  let rego: CompiledRego;
  const open: RegoPool[] = [];
  const poolOf = (options: Parameters<typeof createRegoPool>[0]) => {
    const pool = createRegoPool(options);
    open.push(pool);
    return pool;
  };
  beforeAll(async () => {
    rego = await compileRego([simple, slow, greedy], ["simple", "slow", "greedy"], { opa: use().program });
  });
  afterEach(() => Promise.all(open.splice(0).map((pool) => pool.close())));

  const allowed = { simple: { ...none, allow: true } };

  test("ends what runs over the deadline, and answers everybody else", async () => {
    const pool = poolOf({ workers: 2, deadlineMs: 1_000 });
    let over = false;
    const slowly = pool.evaluate(rego, ["slow"], endless, "a").finally(() => {
      over = true;
    });
    expect(await pool.evaluate(rego, ["simple"], {}, "b")).toEqual(allowed);
    expect(over).toBe(false);
    expect(await slowly).toEqual({ slow: { failed: "deadline" } });
    expect(await pool.evaluate(rego, ["slow"], { text: "aab", part: "ab" }, "a")).toEqual({
      slow: { ...none, allow: true },
    });
  });

  test("puts another thread in the place of one that it ended", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: 1_000, maxWaitMs: 60_000 });
    for (let i = 0; i < 2; i++) {
      const [slowly, quickly] = await Promise.all([
        pool.evaluate(rego, ["slow"], endless, "a"),
        pool.evaluate(rego, ["simple"], {}, "a"),
      ]);
      expect([slowly, quickly]).toEqual([{ slow: { failed: "deadline" } }, allowed]);
    }
  });

  test("keeps what fails apart from the rest of the same call", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: patient, maxWaitMs: 60_000 });
    expect(await pool.evaluate(rego, ["slow", "simple", "greedy", "absent", "__proto__"], endless, "a")).toEqual(
      Object.fromEntries([
        ["slow", { failed: "deadline" }],
        ["simple", none],
        ["greedy", { failed: "error" }],
        ["absent", { failed: "undefined" }],
        ["__proto__", { failed: "undefined" }],
      ]),
    );
  });

  test("goes on after a program that ran out of memory", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: 60_000 });
    expect(await pool.evaluate(rego, ["greedy"], {}, "a")).toEqual({ greedy: { failed: "error" } });
    expect(await pool.evaluate(rego, ["simple"], {}, "a")).toEqual(allowed);
  });

  describe.each([1, 2])("of %s threads", (workers) => {
    test("serves others before an agent that asks for much gets its third answer", async () => {
      const pool = poolOf({ workers, deadlineMs: 1_000, maxWaitMs: 60_000 });
      let slowOnes = 0;
      for (let i = 0; i < 30; i++) {
        void pool.evaluate(rego, ["slow"], endless, "busy").then(() => {
          slowOnes += 1;
        });
      }
      const others = ["b", "c", "d"].map((agent) => pool.evaluate(rego, ["simple"], {}, agent));
      expect(await Promise.all(others)).toEqual([allowed, allowed, allowed]);
      expect(slowOnes).toBeLessThan(3);
    });

    test("refuses the agent that has too many calls waiting, and nobody else", async () => {
      const pool = poolOf({ workers, deadlineMs: 1_000, maxWaitMs: 60_000, maxQueued: 2 });
      const agents = ["busy", "busy", "busy", "busy", "b"];
      const answers = agents.map((agent, i) =>
        i === 0 ? pool.evaluate(rego, ["slow"], endless, agent) : pool.evaluate(rego, ["simple"], {}, agent),
      );
      const tooMany = { simple: { failed: "overloaded" } };
      expect(await Promise.all(answers)).toEqual([
        { slow: { failed: "deadline" } },
        allowed,
        allowed,
        tooMany,
        allowed,
      ]);
      expect(await pool.evaluate(rego, ["simple"], {}, "busy")).toEqual(allowed);
    });
  });

  test("takes from the agent with the most calls when too many of all agents wait", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: 1_000, maxWaitMs: 60_000, maxQueuedInAll: 3 });
    const answers = ["busy", "busy", "busy", "busy", "b", "c"].map((agent, i) =>
      i === 0 ? pool.evaluate(rego, ["slow"], endless, agent) : pool.evaluate(rego, ["simple"], {}, agent),
    );
    const taken = { simple: { failed: "overloaded" } };
    expect(await Promise.all(answers)).toEqual([
      { slow: { failed: "deadline" } },
      allowed,
      taken,
      taken,
      allowed,
      allowed,
    ]);
  });

  test("refuses what waited too long, while it still waits", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: 60_000, maxWaitMs: 100 });
    let over = false;
    const slowly = pool.evaluate(rego, ["slow", "simple"], endless, "a").finally(() => {
      over = true;
    });
    expect(await pool.evaluate(rego, ["simple"], {}, "b")).toEqual({ simple: { failed: "overloaded" } });
    expect(over).toBe(false);
    await pool.close();
    // The first package had its turn, the second waited for its own.
    expect(await slowly).toEqual({ slow: { failed: "error" }, simple: { failed: "overloaded" } });
  });

  test("does not run what waited too long", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: 1_000, maxWaitMs: 100 });
    let serialised = 0;
    const input = { toJSON: () => ++serialised };
    const slowly = pool.evaluate(rego, ["slow"], endless, "a");
    const late = pool.evaluate(rego, ["simple"], input, "b");
    expect(await slowly).toEqual({ slow: { failed: "deadline" } });
    expect(await late).toEqual({ simple: { failed: "overloaded" } });
    expect(serialised).toBe(0);
    // It may take longer than the wait until there is another thread.
    await until(
      async () => {
        expect(await pool.evaluate(rego, ["simple"], input, "b")).toHaveProperty("simple");
        return serialised > 0;
      },
      { what: "a call to be run" },
    );
    expect(serialised).toBe(1);
  });

  test("goes on after a request that cannot be sent to a thread", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: patient, maxWaitMs: patient });
    const unsendable = { ...rego, sha256: "other", wasm: Object(() => 1) as Uint8Array };
    expect(await pool.evaluate(unsendable, ["simple"], {}, "a")).toEqual({ simple: { failed: "error" } });
    expect(await pool.evaluate(rego, ["simple"], {}, "a")).toEqual(allowed);
  });

  test("refuses everything when it has no thread", async () => {
    expect(await poolOf({ workers: 0 }).evaluate(rego, ["simple"], {}, "a")).toEqual({ simple: { failed: "error" } });
  });

  test("does not count the start of a thread, nor the loading of a program", async () => {
    await until(
      async () => {
        expect(await poolOf({ workers: 1, deadlineMs: 5 }).evaluate(rego, ["simple"], {}, "a")).toEqual(allowed);
        return true;
      },
      { what: "a first answer within 5 ms" },
    );
  });

  test("does not count the time in which this thread could not read the answer", async () => {
    const pool = poolOf({ workers: 1, deadlineMs: 200 });
    // The first evaluations are the slowest, and the deadline here is short.
    await until(
      async () => {
        expect(await pool.evaluate(rego, ["simple"], {}, "a")).toEqual(allowed);
        return true;
      },
      { what: "a warm thread" },
    );
    // From here the event loop comes to its timers before it comes to messages.
    await new Promise((resolve) => setImmediate(resolve));
    const asked = pool.evaluate(rego, ["simple"], {}, "a");
    for (let i = 0; i < 50; i++) await undefined;
    for (const end = performance.now() + 500; performance.now() < end; );
    expect(await asked).toEqual(allowed);
  });

  test("keeps apart what is compiled from different files", async () => {
    const versions = await Promise.all(
      [1, 2, 3, 4, 5].map((n) =>
        compileRego([{ file: "n.rego", text: `package n\n\nallow if input.n == ${n}\n` }], ["n"], {
          opa: use().program,
        }),
      ),
    );
    const pool = poolOf({ deadlineMs: patient, maxWaitMs: 60_000 });
    for (const round of [1, 2]) {
      const answers = versions.flatMap((one) =>
        [1, 2, 3, 4, 5].map((n) => pool.evaluate(one, ["n"], { n, round }, `${n}`)),
      );
      const allows = (await Promise.all(answers)).map(({ n }) => n !== undefined && "allow" in n && n.allow);
      expect(allows).toEqual(versions.flatMap((_, i) => [1, 2, 3, 4, 5].map((n) => n === i + 1)));
    }
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["itself inside", circle()],
    ["a bigint", { n: 1n }],
    ["a function", () => 1],
  ])("fails an input with %s", async (_what, input) => {
    expect(await poolOf({ workers: 1 }).evaluate(rego, ["simple"], input, "a")).toEqual({
      simple: { failed: "error" },
    });
  });

  test("answers everybody when it is closed", async () => {
    const pool = createRegoPool({ workers: 1, deadlineMs: 60_000 });
    const running = pool.evaluate(rego, ["slow"], endless, "a");
    const waiting = pool.evaluate(rego, ["simple"], {}, "a");
    await pool.close();
    const failed = { failed: "error" };
    expect(await running).toEqual({ slow: failed });
    expect(await waiting).toEqual({ simple: failed });
    expect(await pool.evaluate(rego, ["simple"], {}, "a")).toEqual({ simple: failed });
  });

  test("keeps the process alive while it evaluates, and no longer", async () => {
    const code = `
      import { compileRego } from "./src/rego/compile.ts";
      import { createRegoPool } from "./src/rego/pool.ts";
      const modules = [{ file: "p.rego", text: "package p\\n\\nallow := true\\n" }];
      const rego = await compileRego(modules, ["p"], { opa: ${JSON.stringify(use().program)} });
      const pool = createRegoPool({ deadlineMs: ${patient} });
      console.log(JSON.stringify(await pool.evaluate(rego, ["p"], {}, "a")));`;
    const args = ["--import", "tsx", "--input-type=module", "-e", code];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository, timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({ p: { ...none, allow: true } });
  });
});

function circle(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}
