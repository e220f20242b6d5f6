import fc from "fast-check";
import { type Bounds, createTurns, type Task, type Turns } from "../../src/rego/turns.js";

const wide: Bounds = { running: 1, perAgent: 100, inAll: 100 };
const task = (agent: string, ...steps: string[]): Task => ({ agent, steps });
const named = (agent: string, name: string): Task => task(agent, name);

/** The steps of all tasks, in the order of their turns, each ended before the next begins. */
function oneByOne(turns: Turns<Task>): string[] {
  const order: string[] = [];
  for (let turn = turns.next(); turn !== undefined; turn = turns.next()) {
    order.push(turn.step);
    turns.done(turn.task.agent);
  }
  return order;
}

test("agents are served in turn, and the tasks of an agent in order", () => {
  const turns = createTurns(wide);
  for (const name of ["a1", "a2", "a3", "b1", "c1", "c2"]) turns.add(named(name.charAt(0), name));
  expect(oneByOne(turns)).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"]);
  expect(turns.agents).toBe(0);
});

test("an agent that comes while another has a step under way is next", () => {
  const turns = createTurns(wide);
  for (const name of ["a1", "a2"]) turns.add(named("a", name));
  expect(turns.next()?.step).toBe("a1");
  turns.add(named("b", "b1"));
  turns.done("a");
  expect(oneByOne(turns)).toEqual(["b1", "a2"]);
});

test("each step of a task takes a turn", () => {
  const turns = createTurns(wide);
  turns.add(task("a", "a1", "a2", "a3"));
  turns.add(named("b", "b1"));
  expect(oneByOne(turns)).toEqual(["a1", "b1", "a2", "a3"]);
});

test.each([1, 2])("an agent has no more than %s steps under way", (running) => {
  const turns = createTurns({ ...wide, running });
  for (const name of ["a1", "a2", "a3"]) turns.add(named("a", name));
  const begun = [turns.next(), turns.next(), turns.next()].filter((turn) => turn !== undefined);
  expect(begun).toHaveLength(running);
  turns.done("a");
  expect(turns.next()?.step).toBe(`a${running + 1}`);
  expect(turns.next()).toBeUndefined();
});

test("a full queue refuses its own agent alone", () => {
  const turns = createTurns({ ...wide, perAgent: 2 });
  const tooMany = named("a", "a3");
  expect([named("a", "a1"), named("a", "a2"), tooMany].map(turns.add)).toEqual([undefined, undefined, tooMany]);
  expect(turns.add(named("b", "b1"))).toBeUndefined();
  expect(oneByOne(turns)).toEqual(["a1", "b1", "a2"]);
});

test("when all queues together are full, the longest one loses its last", () => {
  const turns = createTurns({ ...wide, inAll: 4 });
  const tasks = ["a1", "b1", "b2", "b3"].map((name) => named(name.charAt(0), name));
  for (const one of tasks) expect(turns.add(one)).toBeUndefined();
  expect(turns.add(named("c", "c1"))).toBe(tasks[3]);
  // Nobody has more than c would have.
  const more = named("c", "c2");
  expect(turns.add(more)).toBe(more);
  expect(oneByOne(turns)).toEqual(["a1", "b1", "c1", "b2"]);
});

test("what is removed gets no turn", () => {
  const turns = createTurns(wide);
  const [first, second] = [task("a", "a1", "a2"), task("b", "b1")];
  turns.add(first);
  turns.add(second);
  turns.next();
  turns.remove(first);
  turns.remove(first);
  turns.done("a");
  expect(turns.agents).toBe(1);
  expect(turns.clear()).toEqual([second]);
  expect(turns.next()).toBeUndefined();
  expect(turns.agents).toBe(0);
});

const agents = ["a", "b", "c", "__proto__"];
const event = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    agent: fc.constantFrom(...agents),
    steps: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant("next" as const) }),
  fc.record({ kind: fc.constantFrom("done" as const, "remove" as const), which: fc.nat() }),
);
const bounds = fc.record({
  running: fc.integer({ min: 1, max: 3 }),
  perAgent: fc.integer({ min: 1, max: 4 }),
  inAll: fc.integer({ min: 1, max: 8 }),
});

test("whatever comes, bounds hold, nothing is forgotten, and nobody goes twice while another could", () => {
  fc.assert(
    fc.property(bounds, fc.array(event, { maxLength: 80 }), (bound, events) => {
      const turns = createTurns(bound);
      const waiting: Task[] = [];
      const running: string[] = [];
      /** Who went while the agent could have. */
      const went = new Map<string, Set<string>>();

      const of = (agent: string) => waiting.filter((one) => one.agent === agent).length;
      const under = (agent: string) => running.filter((one) => one === agent).length;
      const couldGo = (agent: string) => of(agent) > 0 && under(agent) < bound.running;
      const forget = (gone: Task) => waiting.splice(waiting.indexOf(gone), 1);

      const next = (): boolean => {
        const able = agents.filter(couldGo);
        const turn = turns.next();
        expect(turn !== undefined).toBe(able.length > 0);
        if (turn === undefined) return false;
        const { agent } = turn.task;
        expect(able).toContain(agent);
        for (const other of able.filter((one) => one !== agent)) {
          expect(went.get(other)).not.toContain(agent);
          went.get(other)?.add(agent);
        }
        went.delete(agent);
        running.push(agent);
        if (turn.task.steps.length === 0) forget(turn.task);
        return true;
      };
      const done = (which: number) => {
        const [agent] = running.splice(which % running.length, 1);
        if (agent !== undefined) turns.done(agent);
      };
      const settle = () => {
        for (const agent of agents) {
          if (!couldGo(agent)) went.delete(agent);
          else if (!went.has(agent)) went.set(agent, new Set());
          expect(of(agent)).toBeLessThanOrEqual(bound.perAgent);
        }
        expect(waiting.length).toBeLessThanOrEqual(bound.inAll);
        expect(turns.agents).toBe(agents.filter((agent) => of(agent) + under(agent) > 0).length);
      };

      for (const happens of events) {
        if (happens.kind === "add") {
          const one = task(happens.agent, ...Array.from({ length: happens.steps }, (_, i) => `${i}`));
          waiting.push(one);
          const loser = turns.add(one);
          if (loser !== undefined) forget(loser);
        } else if (happens.kind === "next") next();
        else if (happens.kind === "done") done(happens.which);
        else if (waiting.length > 0) {
          const [gone] = waiting.splice(happens.which % waiting.length, 1);
          if (gone !== undefined) turns.remove(gone);
        }
        settle();
      }
      while (next() || running.length > 0) {
        settle();
        done(0);
        settle();
      }
      expect([waiting, turns.agents]).toEqual([[], 0]);
    }),
  );
});
