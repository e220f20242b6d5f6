import fc from "fast-check";
import { type Passed, WaitingCalls } from "../../src/outcomes/waiting.js";

const untilMs = 5_000;

function idOf(n: number): string {
  return `01J9ZQ3V6C5R8N2K4M7P0T${String(n).padStart(4, "0")}`;
}

function decision(n: number, more: Partial<Passed> = {}): Passed {
  const subject = { agent_id: "a", tool: "deploy", action: "run", environment: "staging", service: "shop" };
  return { decision_id: idOf(n), deployment_id: null, session_id: "s", ...subject, ...more };
}

test("whoever asks, and how seldom, finds the newest that wait, each once, as in a list", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ add: true as const, back: 0 }) },
    { weight: 2, arbitrary: fc.record({ add: fc.constant(false as const), back: fc.integer({ min: 0, max: 12 }) }) },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.array(step, { maxLength: 120 }), (most, steps) => {
      const waiting = new WaitingCalls(most);
      let model: { id: string; session: string }[] = [];
      let last = 0;
      for (const { add, back } of steps) {
        if (add) {
          last += 1;
          const session = `s-${last % 3}`;
          waiting.add(decision(last, { session_id: session }), untilMs + last);
          model = [...model, { id: idOf(last), session }].slice(-most);
          continue;
        }
        const id = idOf(Math.max(0, last - back));
        const known = model.find((one) => one.id === id);
        model = model.filter((one) => one !== known);
        const found = waiting.take(id);
        expect(found && { session: found.subject.session_id, untilMs: found.untilMs }).toEqual(
          known ? { session: known.session, untilMs: untilMs + last - back } : null,
        );
      }
      for (const { id } of model) expect(waiting.take(id)).not.toBeNull();
      for (let n = 0; n <= last; n++) expect(waiting.take(idOf(n))).toBeNull();
    }),
    { numRuns: 1_000 },
  );
});

test("calls of one session that say the same share what they say, and others do not", () => {
  const waiting = new WaitingCalls(20);
  const kinds: Partial<Passed>[] = [
    {},
    { session_id: null },
    { agent_id: "b" },
    { tool: null },
    { action: "stop" },
    { environment: null },
    { service: "web" },
    { deployment_id: "dep-1" },
  ];
  for (const [n, more] of [...kinds, ...kinds].entries()) waiting.add(decision(n, more), untilMs);
  const subjects = [...kinds, ...kinds].map((_, n) => waiting.take(idOf(n))?.subject);
  const said = (more: Partial<Passed>) => {
    const { decision_id: _, ...subject } = decision(0, more);
    return subject;
  };
  expect(subjects).toEqual([...kinds, ...kinds].map(said));
  expect(subjects[1]).toBe(subjects[1 + kinds.length]);
});

test("ids of one list are told apart", () => {
  const waiting = new WaitingCalls(5);
  // 49 * 31 + 80 = 50 * 31 + 49.
  const [one, other, absent] = ["1P", "21", "0o"].map((end) => `01J9ZQ3V6C5R8N2K4M7P0T10${end}`) as [
    string,
    string,
    string,
  ];
  waiting.add({ ...decision(0, { agent_id: "one" }), decision_id: one }, untilMs);
  waiting.add({ ...decision(0, { agent_id: "other" }), decision_id: other }, untilMs);
  expect(waiting.take(absent)).toBeNull();
  expect([one, other].map((id) => waiting.take(id)?.subject.agent_id)).toEqual(["one", "other"]);
});

test("what is no ULID does not wait, and nobody finds it", () => {
  const waiting = new WaitingCalls(3);
  waiting.add({ ...decision(1), decision_id: "d-1" }, untilMs);
  expect([waiting.take("d-1"), waiting.take(""), waiting.take(`${idOf(1)}0`)]).toEqual([null, null, null]);
});
