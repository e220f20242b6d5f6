import { rename } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { verifyFiles } from "../../src/audit/verify.js";
import { check, cleanUp, client, start } from "../grpc/harness.js";
import { writerFolder } from "../harness/records.js";
import { until } from "../harness/until.js";
import { deploy, files } from "./calls.js";
import { asEnvoySends } from "./envoy.js";
import { keys, startWorld, type World } from "./world.js";

let world: World;
afterEach(async () => {
  await cleanUp();
  await world.close();
});

/** An audit sink that holds each record back until it is let go, in front of the real one. */
function gate() {
  const events: string[] = [];
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { events, open, opened };
}

async function gatedWorld({ events, opened }: ReturnType<typeof gate>): Promise<World> {
  return startWorld(files, {
    wrap: ({ audit }) => ({
      audit: {
        append: async (draft) => {
          events.push("asked to record");
          await opened;
          await audit.append(draft);
          events.push("recorded");
        },
        trouble: () => audit.trouble(),
        close: () => audit.close(),
      },
    }),
  });
}

const settled = async () => {
  for (let i = 0; i < 20; i++) await turn();
};

test.each([
  ["an allowed call", "bot", "/v1/deploy", 200],
  ["a denied call", "bot", "/v1/scale", 403],
  ["a call that needs approval", "asking", "/v1/deploy", 403],
  ["an unidentified call", "stranger", "/v1/deploy", 401],
])("%s is answered when its record is written, and not before", async (_, agent, path, status) => {
  const held = gate();
  world = await gatedWorld(held);
  const answer = world.ask(deploy(agent, { path })).then((told) => {
    held.events.push("answered");
    return told;
  });
  await until(() => held.events.length > 0, { what: "the record" });
  await settled();
  expect(held.events).toEqual(["asked to record"]);
  held.open();
  expect((await answer).status).toBe(status);
  expect(held.events).toEqual(["asked to record", "recorded", "answered"]);
  expect(await world.records()).toHaveLength(1);
});

test("a call whose client went away is recorded all the same", async () => {
  const held = gate();
  world = await gatedWorld(held);
  const { server } = await start({ check: world.decide });
  const asked = check(client(server), asEnvoySends(deploy("limited")), (call) => {
    void until(() => held.events.length > 0, { what: "the record" }).then(() => call.cancel());
  });
  expect((await asked).error?.code).toBe(1);
  expect(held.events).toEqual(["asked to record"]);
  held.open();
  await until(() => held.events.includes("recorded"), { what: "the record of the cancelled call" });
  expect(await world.records()).toMatchObject([{ agent_id: "limited", enforced: "allow" }]);
});

describe("with the folder of the records gone", () => {
  async function breakAudit(): Promise<() => Promise<void>> {
    const folder = await writerFolder(world.dir);
    await rename(folder, `${folder}.away`);
    return () => rename(`${folder}.away`, folder);
  }

  test.each(["write", "fsync"] as const)(
    "nothing passes, and all is well when it is back (durability %s)",
    async (durability) => {
      world = await startWorld(files, { durability, probeIntervalMs: 10 });
      expect((await world.ask(deploy("bot"))).status).toBe(200);
      expect(world.audit.trouble()).toBeNull();

      const repair = await breakAudit();
      for (const agent of ["bot", "shadow", "limited", "asking"]) {
        const told = await world.ask(deploy(agent));
        expect([agent, told.status, told.ok, told.metadata.reason]).toEqual([agent, 503, null, "audit_unavailable"]);
        expect(JSON.parse(told.body)).toMatchObject({
          error: "Unavailable",
          detail: "the decision could not be recorded",
        });
        expect(told.body).not.toContain(world.dir);
      }
      // What /readyz goes by.
      expect(world.audit.trouble()).toContain("audit records cannot be written");
      expect(JSON.stringify(world.log.at(-1)?.errors)).toContain("ENOENT");

      await repair();
      await until(() => world.audit.trouble() === null, { what: "the writer to recover by itself" });
      expect((await world.ask(deploy("bot"))).status).toBe(200);
      const reasons = (await world.records()).map(({ reason }) => reason);
      expect(reasons).toEqual(["allowed", "allowed"]);
      expect((await verifyFiles([world.dir], [keys.audit])).problems).toEqual([]);
    },
  );

  test("a denied call is answered as unrecorded, not as denied", async () => {
    world = await startWorld(files);
    const repair = await breakAudit();
    expect((await world.ask(deploy("bot", { path: "/v1/scale" }))).metadata.reason).toBe("audit_unavailable");
    await repair();
  });

  test("a dry run enforces not even that", async () => {
    world = await startWorld({ ...files, config: { dry_run: true } });
    const repair = await breakAudit();
    expect(await world.ask(deploy("bot"))).toMatchObject({
      status: 200,
      metadata: { decision: "deny", enforced: "allow", reason: "audit_unavailable" },
    });
    await repair();
  });
});

test("calls at the same time leave one record each", async () => {
  world = await startWorld(files);
  const told = await Promise.all(Array.from({ length: 300 }, (_, i) => world.ask(deploy(i % 2 ? "bot" : "shadow"))));
  const ids = (await world.records()).map(({ decision_id }) => decision_id);
  expect(new Set(ids)).toEqual(new Set(told.map(({ metadata }) => metadata.decision_id)));
  expect(ids).toHaveLength(300);
  expect((await verifyFiles([world.dir], [keys.audit])).problems).toEqual([]);
});
