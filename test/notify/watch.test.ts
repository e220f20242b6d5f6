import { setTimeout as sleep } from "node:timers/promises";
import { NotSent } from "../../src/notify/notifier.js";
import type { Store } from "../../src/store/store.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { person } from "../approvals/fixture.js";
import { until } from "../harness/until.js";
import { type Scripted, scripted, someLooks, teller, world } from "./fixture.js";

const minuteMs = 60_000;
const opened = (id: string) => ({ kind: "approval.opened", id, agent: "deploy-manager" }) as const;

/** Of all of them, in no order. */
const told = (notifiers: readonly Scripted[]) => notifiers.flatMap((one) => one.told()).sort();
const heard = (notifiers: readonly Scripted[], what: string) =>
  until(() => told(notifiers).includes(what), { what: `${what}; so far ${told(notifiers)}` });

test("what nobody told within a minute is told by one of the others", async () => {
  const here = await world();
  const slow = () => scripted(() => sleep(300));
  const notifiers = [slow(), slow(), slow()];
  for (const notifier of notifiers) teller(here, [notifier]);
  await here.open();
  await someLooks();
  expect(told(notifiers)).toEqual([]);
  here.nowMs += minuteMs;
  await heard(notifiers, "approval.opened pending");
  await someLooks();
  expect(told(notifiers)).toEqual(["approval.opened pending"]);
});

test("what a process could not tell before its end is told after the next start", async () => {
  const here = await world();
  const failing = scripted(async () => {
    throw new NotSent("it answers 500");
  });
  const first = teller(here, [failing]);
  const id = await here.open();
  first.tell(opened(id));
  await until(() => failing.tries.length > 0, { what: "a try" });
  await first.close();
  here.nowMs += minuteMs;
  const working = scripted();
  teller(here, [working]);
  await heard([working], "approval.opened pending");
  expect(working.tries[0]?.attempt.id).toBe(failing.tries[0]?.attempt.id);
});

test("what was told is not told again after a start", async () => {
  const here = await world();
  const before = scripted();
  const first = teller(here, [before]);
  const id = await here.open();
  first.tell(opened(id));
  await heard([before], "approval.opened pending");
  await first.close();
  here.nowMs += minuteMs;
  const after = scripted();
  teller(here, [after]);
  await someLooks();
  expect(told([after])).toEqual([]);
});

test("an escalation is told when it is due, once, whoever opened the approval", async () => {
  const here = await world();
  const notifiers = [scripted(), scripted(), scripted()];
  const tellers = notifiers.map((notifier) => teller(here, [notifier]));
  const escalation = { afterMs: 5 * minuteMs, to: ["leads"], approvers: [["leads", "sre"]] };
  const id = await here.open({ approvers: [["sre"]], escalation });
  tellers[0]?.tell(opened(id));
  await heard(notifiers, "approval.opened pending");
  here.nowMs += 5 * minuteMs - 1;
  await someLooks();
  expect(told(notifiers)).toEqual(["approval.opened pending"]);
  here.nowMs += 1;
  await heard(notifiers, "approval.escalated pending");
  here.nowMs += 5 * minuteMs;
  await someLooks();
  expect(told(notifiers)).toEqual(["approval.escalated pending", "approval.opened pending"]);
});

test("an escalation that is due before the next look needs none", async () => {
  const here = await world();
  const notifier = scripted();
  const start = Date.now() - here.nowMs;
  Object.defineProperty(here, "nowMs", { get: () => Date.now() - start });
  const { tell } = teller(here, [notifier], { lookMs: 600_000 });
  await someLooks();
  const escalation = { afterMs: 1_000, to: ["leads"], approvers: [["leads", "sre"]] };
  tell(opened(await here.open({ approvers: [["sre"]], escalation })));
  await heard([notifier], "approval.escalated pending");
  const [first, second] = notifier.tries.map(({ notice }) => notice);
  expect([first?.kind, second?.kind]).toEqual(["approval.opened", "approval.escalated"]);
});

test("nothing is escalated that is decided", async () => {
  const here = await world();
  const notifier = scripted();
  teller(here, [notifier]);
  const escalation = { afterMs: minuteMs, to: ["leads"], approvers: [["leads", "sre"]] };
  const id = await here.open({ approvers: [["sre"]], escalation });
  await here.service.answer(id, person("bob"), { decision: "approve" });
  here.nowMs += minuteMs;
  await someLooks();
  expect(told([notifier])).not.toContain("approval.escalated pending");
});

test("one that expires undecided is closed, once", async () => {
  const here = await world();
  const notifiers = [scripted(), scripted()];
  const tellers = notifiers.map((notifier) => teller(here, [notifier]));
  const id = await here.open();
  tellers[1]?.tell(opened(id));
  await heard(notifiers, "approval.opened pending");
  await someLooks();
  here.nowMs += 15 * minuteMs;
  await heard(notifiers, "approval.closed expired");
  here.nowMs += 5 * minuteMs;
  await someLooks();
  expect(told(notifiers)).toEqual(["approval.closed expired", "approval.opened pending"]);
});

test("an outcome that its process could not tell any more is told by another, and after a start", async () => {
  const here = await world();
  const running = scripted();
  teller(here, [running]);
  const id = await here.open();
  const { tell, close } = teller(here, [scripted()]);
  tell(opened(id));
  await until(() => here.store.marked({ id, agent: "deploy-manager" }, "told:webhook:approval.opened"), {
    what: "the opening to be told",
  });
  await close();
  await someLooks();
  await here.service.answer(id, person("bob"), { decision: "deny" });
  await someLooks();
  expect(told([running])).toEqual([]);
  here.nowMs += minuteMs;
  await heard([running], "approval.closed denied");

  const later = await here.open();
  await here.store.mark({ id: later, agent: "deploy-manager" }, "told:webhook:approval.opened", "sent");
  await here.service.answer(later, person("bob"), { decision: "approve" });
  const started = scripted();
  teller(here, [started]);
  await someLooks();
  here.nowMs += minuteMs;
  await heard([started], "approval.closed approved");
});

test("who was told of no opening is told of no end that was before", async () => {
  const here = await world();
  await here.service.answer(await here.open(), person("bob"), { decision: "approve" });
  const notifier = scripted();
  teller(here, [notifier]);
  await someLooks();
  here.nowMs += minuteMs;
  await someLooks();
  expect(told([notifier])).toEqual([]);
});

test("a store that fails is said, and looked at again", async () => {
  const here = await world();
  await here.open();
  here.nowMs += minuteMs;
  let away = true;
  const store: Store = {
    ...here.store,
    approvals: async (filter) => {
      if (away) throw new StoreUnavailable("no answer within 250 ms");
      return here.store.approvals(filter);
    },
  };
  const notifier = scripted();
  const telling = teller({ ...here, nowMs: here.nowMs, store }, [notifier]);
  await until(() => telling.trouble() !== null, { what: "trouble" });
  expect(telling.trouble()).toBe("approvals cannot be looked up: the store: no answer within 250 ms");
  away = false;
  await heard([notifier], "approval.opened pending");
  await until(() => telling.trouble() === null, { what: "an end of the trouble" });
});

test("one that somebody put into the store is not told", async () => {
  const here = await world((approval) => ({ ...approval, quorum: 9 }));
  await here.open();
  here.nowMs += minuteMs;
  const notifier = scripted();
  teller(here, [notifier]);
  await someLooks();
  expect(told([notifier])).toEqual([]);
});
