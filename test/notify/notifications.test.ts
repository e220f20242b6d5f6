import { NotSent } from "../../src/notify/notifier.js";
import { person } from "../approvals/fixture.js";
import { until } from "../harness/until.js";
import { type Scripted, scripted, someLooks, teller, world } from "./fixture.js";

const opened = (id: string) => ({ kind: "approval.opened", id, agent: "deploy-manager" }) as const;
const closed = (id: string) => ({ kind: "approval.closed", id, agent: "deploy-manager" }) as const;
const lost = { kind: "counters.lost", agent: "deploy-manager" } as const;

const tried = (notifier: Scripted, count: number) =>
  until(() => notifier.tries.length >= count, { what: `${count} tries, of which there are ${notifier.tries.length}` });

/** Fails so many times, then takes everything. */
function failing(times: number, error: () => Error = () => new NotSent("it answers 500")): Scripted {
  let left = times;
  return scripted(async () => {
    left -= 1;
    if (left >= 0) throw error();
  });
}

test("without notifiers nothing happens", async () => {
  const here = teller(await world(), []);
  here.tell(lost);
  expect([here.trouble(), await here.samples()]).toEqual([null, []]);
});

test("an approval is told as it is, with what makes it risky, and every outcome for itself", async () => {
  const here = await world();
  const notifier = scripted();
  const { tell } = teller(here, [notifier]);
  const id = await here.open();
  tell(opened(id));
  tell(opened(id));
  await tried(notifier, 1);
  await here.service.answer(id, person("bob"), { decision: "approve" });
  tell(closed(id));
  await tried(notifier, 2);
  await someLooks();
  expect(notifier.told()).toEqual(["approval.opened pending", "approval.closed approved"]);
  expect(notifier.tries.map(({ attempt }) => attempt.id)).toEqual([`${id}-opened`, `${id}-closed-approved`]);
  const notice = notifier.tries[0]?.notice;
  expect(notice).toMatchObject({
    approval: { id, requested_by: { agent: "deploy-manager" } },
    risk: { rules: ["allowed_environments"], environment: "production" },
    url: `http://127.0.0.1:9192/approvals/${id}`,
  });
});

test("failures are tried again, under the same id, and are seen until it works again", async () => {
  const here = await world();
  let isBroken = true;
  const notifier = scripted(async () => {
    if (isBroken) throw new NotSent("it answers 500");
  });
  const telling = teller(here, [notifier]);
  const id = await here.open();
  telling.tell(opened(id));
  await tried(notifier, 3);
  await until(() => telling.trouble() !== null, { what: "trouble" });
  expect(telling.trouble()).toBe("webhook: 1 waiting, last error at 2026-03-01T14:22:00.000Z: it answers 500");
  isBroken = false;
  await until(() => telling.trouble() === null, { what: "an end of the trouble" });
  const { length } = notifier.tries;
  expect(new Set(notifier.tries.map(({ attempt }) => attempt.id))).toEqual(new Set([`${id}-opened`]));
  await until(
    async () => (await telling.samples()).includes('countersign_notifications_waiting{notifier="webhook"} 0'),
    {
      what: "nothing to wait",
    },
  );
  expect(await telling.samples()).toEqual([
    `countersign_notifications_total{notifier="webhook",kind="approval.opened",result="retried"} ${length - 1}`,
    'countersign_notifications_total{notifier="webhook",kind="approval.opened",result="sent"} 1',
    'countersign_notifications_waiting{notifier="webhook"} 0',
  ]);
  expect(telling.log).toMatchObject([
    { notifier: "webhook", problem: "it answers 500", msg: "a notice could not be sent" },
    { notifier: "webhook", msg: "the notifier works again" },
  ]);
});

test("what the other side asks for counts for everything that waits", async () => {
  const here = await world();
  const times: number[] = [];
  const notifier = scripted(async () => {
    times.push(performance.now());
    if (times.length === 1) throw new NotSent("it answers 429", { afterMs: 600 });
  });
  const telling = teller(here, [notifier]);
  telling.tell(lost);
  await until(() => telling.trouble() !== null, { what: "the refusal" });
  telling.tell(lost);
  await tried(notifier, 3);
  const [first = 0, second = 0] = times;
  expect(second - first).toBeGreaterThanOrEqual(595);
});

test("what is never taken is given up, on every process", async () => {
  const here = await world();
  const notifier = failing(1, () => new NotSent("it answers 410", { never: true }));
  const telling = teller(here, [notifier], { graceMs: 0 });
  const id = await here.open();
  telling.tell(opened(id));
  await tried(notifier, 1);
  await someLooks();
  expect(notifier.tries).toHaveLength(1);
  expect(await here.store.marked({ id, agent: "deploy-manager" }, "told:webhook:approval.opened")).toBe("given_up");
  expect(await telling.samples()).toContain(
    'countersign_notifications_total{notifier="webhook",kind="approval.opened",result="failed"} 1',
  );
  expect(telling.trouble()).toContain("webhook: 0 waiting, last error at");
});

test("after a long time a notice is given up", async () => {
  const notifier = failing(1_000);
  const telling = teller(await world(), [notifier], { giveUpMs: 200 });
  telling.tell(lost);
  await until(() => telling.log.some(({ msg }) => msg === "a notice was given up"), { what: "it to be given up" });
  const count = notifier.tries.length;
  await someLooks();
  expect(notifier.tries).toHaveLength(count);
});

test("nobody is asked for what has been decided in the meantime", async () => {
  const here = await world();
  const id = await here.open();
  const notifier = scripted(async () => {
    await here.service.answer(id, person("bob"), { decision: "deny" });
    throw new NotSent("it answers 500");
  });
  const telling = teller(here, [notifier]);
  telling.tell(opened(id));
  const failed = 'countersign_notifications_total{notifier="webhook",kind="approval.opened",result="failed"} 1';
  await until(async () => (await telling.samples()).includes(failed), { what: "it to be left" });
  expect(notifier.told()).toEqual(["approval.opened pending"]);
});

test("one that hangs is left after a while, and holds up neither its like nor other notifiers", async () => {
  const here = await world();
  const hanging = scripted(
    (_notice, { signal }) => new Promise(() => signal.addEventListener("abort", () => aborts++)),
  );
  let aborts = 0;
  const working = { ...scripted(), name: "teams" as const };
  const telling = teller(here, [hanging, working], { tryMs: 150 });
  for (let i = 0; i < 10; i += 1) telling.tell(lost);
  await until(() => working.tries.length === 10, { what: "the other one to be told" });
  await until(() => new Set(hanging.tries.map(({ attempt }) => attempt.id)).size === 10, { what: "a try of each" });
  expect(aborts).toBeGreaterThan(0);
  expect(telling.trouble()).toContain("no answer within 0.15 s");
});

test("at most four are under way, and a thousand wait; what nobody has to answer goes first", async () => {
  const here = await world();
  const hanging = scripted(() => new Promise(() => undefined));
  const telling = teller(here, [hanging], { tryMs: 60_000 });
  const ids = [await here.open(), await here.open()];
  for (let i = 0; i < 4; i += 1) telling.tell(lost);
  await until(() => hanging.tries.length === 4, { what: "four to be under way" });
  for (const id of ids) telling.tell(opened(id));
  for (let i = 0; i < 1_003; i += 1) telling.tell(lost);
  expect(hanging.tries).toHaveLength(4);
  expect(await telling.samples()).toEqual([
    'countersign_notifications_total{notifier="webhook",kind="counters.lost",result="dropped"} 5',
    'countersign_notifications_waiting{notifier="webhook"} 1004',
  ]);
  expect(telling.log.filter(({ msg }) => msg === "too much waits to be told")).toHaveLength(1);
  expect(telling.trouble()).toContain("more than 1000 notices wait, and some are dropped");
});

test("what an error says beside NotSent stays inside: it may quote a secret", async () => {
  const notifier = failing(1, () => new TypeError("cannot fetch https://example.com/secret"));
  const telling = teller(await world(), [notifier], { firstMs: 10_000, mostMs: 10_000 });
  telling.tell(lost);
  await until(() => telling.trouble() !== null, { what: "trouble" });
  expect(telling.trouble()).toMatch(/: unexpected TypeError$/);
  expect(JSON.stringify(telling.log)).not.toContain("secret");
});

test("the end gives a moment to what is under way, and not more", async () => {
  let finish = (): void => undefined;
  const slow = scripted(() => new Promise((resolve) => (finish = resolve)));
  const telling = teller(await world(), [slow], { closeMs: 30_000 });
  telling.tell(lost);
  await tried(slow, 1);
  setTimeout(() => finish(), 100);
  await telling.close();
  expect((await telling.samples())[0]).toContain('result="sent"} 1');

  const hanging = scripted(() => new Promise(() => undefined));
  const ending = teller(await world(), [hanging], { closeMs: 100 });
  ending.tell(lost);
  await tried(hanging, 1);
  await ending.close();
  ending.tell(lost);
  expect(hanging.tries).toHaveLength(1);
});
