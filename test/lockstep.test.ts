import { inStep, turnEnds } from "../src/lockstep.js";

test("all who ask in one turn of the event loop go on together, when it has ended", async () => {
  const turnEnd = turnEnds(10);
  const order: string[] = [];
  const call = async (name: string) => {
    await turnEnd();
    order.push(`${name} begins`);
    await inStep;
    order.push(`${name} ends`);
  };
  // Two callbacks of one turn, whose microtasks would else be done before the next one.
  const turn = new Promise<void>((resolve) => setImmediate(resolve));
  setImmediate(() => order.push("the turn ends"));
  const calls = [call("a"), Promise.resolve().then(() => call("b"))];
  await turn;
  expect(order).toEqual([]);
  await Promise.all(calls);
  expect(order).toEqual(["the turn ends", "a begins", "b begins", "a ends", "b ends"]);
});

test("who asks in a later turn is not let go with those before, and waits for nobody", async () => {
  const turnEnd = turnEnds(10);
  const first = turnEnd();
  expect(turnEnd()).toBe(first);
  await first;
  const second = turnEnd();
  expect(second).not.toBe(first);
  await second;
});

test("of very many, those of one group have done what they can at once before the next group begins", async () => {
  const turnEnd = turnEnds(2);
  const order: string[] = [];
  const call = async (name: string) => {
    await turnEnd();
    for (const step of [1, 2, 3]) {
      order.push(`${name}${step}`);
      await inStep;
    }
  };
  await Promise.all(["a", "b", "c", "d", "e"].map(call));
  expect(order.join(" ")).toBe("a1 b1 a2 b2 a3 b3 c1 d1 c2 d2 c3 d3 e1 e2 e3");
  // The groups of that turn are over: no further one is left to wait for.
  expect(turnEnd()).toBe(turnEnd());
});

test("a call goes on whatever becomes of the others of its group", async () => {
  const turnEnd = turnEnds(10);
  const call = async (fails: boolean) => {
    await turnEnd();
    if (fails) throw new Error("it broke");
    await inStep;
    return "done";
  };
  const results = await Promise.allSettled([call(true), call(false)]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});
