import type { Sender } from "../../src/notify/sender.js";
import { usualTiming } from "../../src/notify/timing.js";
import { Watch } from "../../src/notify/watch.js";
import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import type { ApprovalDraft } from "../../src/store/store.js";
import { until } from "../harness/until.js";
import { draftOf, open } from "../store/subject.js";

const minuteMs = 60_000;
const escalation = (afterMs: number) => ({ afterMs, to: ["leads"], approvers: [["leads"]] });

/** A process that has just started, and what it takes upon itself to tell. */
function started(): { nowMs: number; open: (agent: string, more: Partial<ApprovalDraft>) => Promise<string> } & {
  watch: () => Watch;
  told: (id: string) => string[];
} {
  const here = { nowMs: Date.UTC(2030, 0, 1) };
  const runtime = { ...systemRuntime, now: () => here.nowMs };
  const store = memoryStore(runtime);
  const told: { kind: string; id: string }[] = [];
  const sender = {
    name: "webhook",
    isFull: false,
    has: () => false,
    add: (job: (typeof told)[number]) => told.push(job),
  };
  return Object.assign(here, {
    open: async (agent: string, more: Partial<ApprovalDraft>) => {
      const draft = draftOf(agent, { openedAt: new Date(here.nowMs).toISOString(), ...more });
      await open(store, draft);
      return draft.id;
    },
    watch: () => {
      const timing = { ...usualTiming, lookMs: 50, graceMs: minuteMs };
      const senders = [sender as unknown as Sender];
      return new Watch({ store, senders, runtime, timing, onTrouble: (error) => expect(error).toBeNull() });
    },
    told: (id: string) => told.flatMap((job) => (job.id === id ? [job.kind] : [])),
  });
}

test("what ends soon is told of, escalated and closed, also behind a thousand that came later", async () => {
  const here = started();
  const id = await here.open("quiet", { escalation: escalation(5 * minuteMs) });
  here.nowMs += 1;
  for (let n = 0; n < 1_000; n++) await here.open(`loud-${n % 10}`, { escalation: escalation(14 * minuteMs) });
  const watch = here.watch();
  for (const [passesMs, kind] of [
    [minuteMs, "approval.opened"],
    [5 * minuteMs, "approval.escalated"],
    [15 * minuteMs, "approval.closed"],
  ] as const) {
    here.nowMs += passesMs;
    await until(() => here.told(id).includes(kind), { what: kind });
  }
  await watch.close();
});

test("one that ends late is told of beside a thousand of others that end sooner", async () => {
  const here = started();
  const id = await here.open("quiet", { expiresInMs: 60 * minuteMs, escalation: escalation(minuteMs) });
  for (let n = 0; n < 1_000; n++) await here.open(`loud-${n % 10}`, {});
  const watch = here.watch();
  here.nowMs += minuteMs;
  await until(() => here.told(id).includes("approval.escalated"), { what: "the escalation" });
  await watch.close();
});
