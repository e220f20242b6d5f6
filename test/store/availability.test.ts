import { setImmediate } from "node:timers/promises";
import { Availability } from "../../src/store/availability.js";
import { until } from "../harness/until.js";

/** A store of two parts, by the first letter of the owner, whose answers the test gives. */
function subject(tellEveryMs = 0) {
  let nowMs = 0;
  const questions: { owner: unknown; resolve: () => void; reject: (error: unknown) => void }[] = [];
  const events: string[] = [];
  const availability = new Availability({
    store: {
      ping: (owner) => new Promise<void>((resolve, reject) => questions.push({ owner, resolve, reject })),
      partOf: (owner) => owner?.slice(0, 1) ?? "a",
    },
    monotonicMicros: () => nowMs * 1000,
    tellEveryMs,
    onAway: ({ message }) => events.push(message),
    onBack: () => events.push("back"),
  });
  const question = async (n: number) => {
    await until(() => questions.length > n, { what: `question ${n}` });
    const asked = questions[n];
    if (!asked) throw new Error("nothing was asked");
    return asked;
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { availability, questions, events, question, pass };
}

test("it is asked at once and then again and again, one question at a time, until it answers", async () => {
  const { availability, questions, events, question } = subject();
  expect(availability.away("a")).toBeNull();
  for (let n = 0; n < 5; n++) availability.failed("a", new Error(`failure ${n}`));
  availability.suspect("a");
  expect(availability.away("a")?.message).toBe("failure 0");
  expect(questions).toHaveLength(1);
  (await question(0)).reject(new Error("no answer"));
  (await question(1)).reject("no error");
  availability.failed("a", new Error("a late failure"));
  expect(questions).toHaveLength(2);
  (await question(2)).resolve();
  await until(() => availability.away("a") === null, { what: "the store to be back" });
  expect(events).toEqual(["failure 0", "back"]);
  expect(questions).toHaveLength(3);
});

test("each part is away by itself", async () => {
  const { availability, events, question } = subject();
  availability.failed("a1", new Error("first"));
  expect([availability.away("a2"), availability.away(null)]).toEqual([expect.any(Error), expect.any(Error)]);
  expect(availability.away("b1")).toBeNull();
  availability.failed("b1", new Error("second"));
  expect(availability.troubles.map(({ message }) => message)).toEqual(["first", "second"]);
  expect([(await question(0)).owner, (await question(1)).owner]).toEqual(["a1", "b1"]);
  (await question(0)).resolve();
  await until(() => availability.away("a2") === null, { what: "the part to be back" });
  expect(availability.away("b2")).not.toBeNull();
  expect(events).toEqual(["first", "second", "back"]);
  availability.close();
});

test("a suspicion is nothing until the question is not answered", async () => {
  const { availability, events, question } = subject();
  availability.suspect(null);
  expect((await question(0)).owner).toBeNull();
  (await question(0)).resolve();
  await setImmediate();
  expect(availability.away(null)).toBeNull();
  availability.suspect(null);
  (await question(1)).reject(new Error("no answer"));
  await until(() => availability.away("a") !== null, { what: "the store to be away" });
  expect(events).toEqual(["no answer"]);
  availability.close();
});

test("once closed it asks no more and tells nothing", async () => {
  const { availability, questions, events, question } = subject();
  availability.failed("a", new Error("failure"));
  availability.close();
  (await question(0)).resolve();
  availability.failed("b", new Error("another"));
  availability.suspect("b");
  await setImmediate();
  expect(questions).toHaveLength(1);
  expect(events).toEqual(["failure"]);
});

test("a part that answers questions and takes no calls is told of now and then", async () => {
  const { availability, events, question, pass } = subject(1_000);
  for (let n = 0; n < 25; n++) {
    availability.failed("a", new Error(`failure ${n}`));
    pass(100);
    (await question(n)).resolve();
    await until(() => availability.away("a") === null, { what: "the store to be back" });
  }
  expect(events).toEqual(["failure 0", "back", "failure 11", "back", "failure 22", "back"]);
});

test("that a part stays away is told when the time is over, also if nothing is called", async () => {
  const { availability, events, question, pass } = subject(1_000);
  availability.failed("a", new Error("failure 0"));
  (await question(0)).resolve();
  await until(() => availability.away("a") === null, { what: "the store to be back" });
  pass(100);
  availability.failed("a", new Error("failure 1"));
  (await question(1)).reject(new Error("no answer"));
  const third = await question(2);
  expect(events).toEqual(["failure 0", "back"]);
  pass(900);
  third.reject(new Error("still no answer"));
  (await question(3)).resolve();
  await until(() => availability.away("a") === null, { what: "the store to be back" });
  expect(events).toEqual(["failure 0", "back", "still no answer", "back"]);
});
