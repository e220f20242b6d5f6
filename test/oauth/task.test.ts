import fc from "fast-check";
import { OAuthError } from "../../src/oauth/error.js";
import { askedTask, isWithin, narrowed, readTask, taskText } from "../../src/oauth/task.js";
import type { Task } from "../../src/session.js";
import type { Answer } from "../http/fixture.js";
import { type Authority, authority, basic, entry } from "./fixture.js";

let here: Authority;
const start = async (...entries: object[]) => {
  await here?.close();
  here = await authority({ entries });
};
beforeEach(() => start({ ...entry, task: { service: "shop" } }));
afterAll(() => here.close());

const details = (task: object) => ({ authorization_details: JSON.stringify([{ type: "countersign_task", ...task }]) });
const taskOf = (answer: Answer) => here.claims(answer).task;
const refused = (answer: Answer) => {
  expect(answer.statusCode).toBe(400);
  return answer.json();
};
const staging = { environment: "staging" };

describe("what is asked for", () => {
  test("without anything the token is for what the entry says", async () => {
    const answer = await here.exchange();
    expect(taskOf(answer)).toEqual({ service: ["shop"] });
    expect(answer.json().authorization_details).toEqual([{ type: "countersign_task", service: ["shop"] }]);
    expect(here.recorded()[0]?.detail.task).toEqual({ service: ["shop"] });
  });

  test("a part that the entry leaves open can be fixed", async () => {
    const answer = await here.exchange(
      details({ environment: ["staging", "preview", "staging"], image: "shop@sha256:1" }),
    );
    expect(taskOf(answer)).toEqual({
      service: ["shop"],
      environment: ["preview", "staging"],
      image: ["shop@sha256:1"],
    });
  });

  test("a part that it fixes can be narrowed, and not left", async () => {
    await start({ ...entry, task: { service: ["shop", "cart"], environment: "staging" } });
    expect(taskOf(await here.exchange(details({ service: "cart" })))).toEqual({
      service: ["cart"],
      environment: ["staging"],
    });
    const outside: [object, string][] = [
      [{ service: "billing" }, "service"],
      [{ service: ["cart", "billing"] }, "service"],
      [{ service: "cart", environment: "production" }, "environment"],
      [{ environment: "Staging" }, "environment"],
    ];
    for (const [task, part] of outside) {
      expect(refused(await here.exchange(details(task), { run_id: "1" }))).toEqual({
        error: "invalid_authorization_details",
        error_description: `authorization_details: ${part} is outside what the session is for`,
      });
    }
  });

  test("a claim of the job fixes it, too", async () => {
    await start({ ...entry, task: { environment: { claim: "environment" } } });
    expect(taskOf(await here.exchange({}, { environment: "staging" }))).toEqual({ environment: ["staging"] });
    const answer = await here.exchange(details({ environment: "production" }), { environment: "staging" });
    expect(refused(answer).error).toBe("invalid_authorization_details");
    expect(refused(await here.exchange({}, { run_id: "2" })).error).toBe("invalid_request");
  });

  test("an API key has no session, and its token can be narrowed all the same", async () => {
    const form = { grant_type: "client_credentials", ...details(staging) };
    const answer = await here.post(form, basic("plain", "key-plain"));
    expect(taskOf(answer)).toEqual({ environment: ["staging"] });
    expect(answer.json()).not.toHaveProperty("session_id");
    const next = await here.post({ ...form, ...details({ service: "x" }) }, basic("plain", "key-plain"));
    expect(taskOf(next)).toEqual({ service: ["x"] });
  });

  const bad: [string, string][] = [
    ["no JSON", "x"],
    ["an object", '{"type":"countersign_task","service":"shop"}'],
    ["nothing in it", "[]"],
    ["two of them", '[{"type":"countersign_task","service":"shop"},{"type":"countersign_task","service":"shop"}]'],
    ["another type", '[{"type":"payment","service":"shop"}]'],
    ["no type", '[{"service":"shop"}]'],
    ["no part", '[{"type":"countersign_task"}]'],
    ["an unknown member", '[{"type":"countersign_task","service":"shop","cluster":"eu"}]'],
    ["a member of RFC 9396", '[{"type":"countersign_task","service":"shop","actions":["read"]}]'],
    ["a member twice", '[{"type":"countersign_task","service":"shop","service":"cart"}]'],
    ["a member in another case", '[{"type":"countersign_task","service":"shop","Service":"cart"}]'],
    ["__proto__", '[{"type":"countersign_task","service":"shop","__proto__":{}}]'],
    ["a number", '[{"type":"countersign_task","service":1}]'],
    ["null", '[{"type":"countersign_task","service":null}]'],
    ["an empty text", '[{"type":"countersign_task","service":""}]'],
    ["an empty list", '[{"type":"countersign_task","service":[]}]'],
    ["a list in a list", '[{"type":"countersign_task","service":[["shop"]]}]'],
    ["a line break", '[{"type":"countersign_task","service":"shop\\n"}]'],
    ["a zero-width space", '[{"type":"countersign_task","service":"shop\u200b"}]'],
    ["an escape out of the list", '[],"x":[{"type":"countersign_task","service":"shop"}]'],
    ["something behind it", '[{"type":"countersign_task","service":"shop"}] []'],
    ["a comment", '[{"type":"countersign_task","service":"shop"}]//'],
    [
      "too much",
      JSON.stringify([{ type: "countersign_task", service: "s".repeat(500), image: Array(9).fill("i".repeat(250)) }]),
    ],
  ];
  test.each(bad)("%s is refused", async (_name, text) => {
    const answer = await here.exchange({ authorization_details: text });
    expect(refused(answer).error).toBe("invalid_authorization_details");
    expect(here.recorded()).toEqual([]);
  });
});

describe("what a session is for stays", () => {
  test("a second exchange cannot drop it", async () => {
    const first = await here.exchange(details(staging));
    const second = await here.exchange();
    expect(second.json().session_id).toBe(first.json().session_id);
    expect(taskOf(second)).toEqual({ service: ["shop"], environment: ["staging"] });
    expect(taskOf(await here.exchange({ ...details({ service: "shop", ...staging }) }))).toEqual(taskOf(first));
  });

  test.each([
    ["another one", { environment: "production" }],
    ["a wider one", { environment: ["staging", "production"] }],
    ["one that drops a part", { service: "shop" }],
    ["a narrower one", { ...staging, image: "shop@sha256:1" }],
  ])("a second exchange cannot ask for %s", async (_name, task) => {
    await here.exchange(details(staging));
    expect(refused(await here.exchange(details(task)))).toMatchObject({
      error: "invalid_authorization_details",
      reason: "outside_task",
    });
    expect(here.recorded()).toHaveLength(1);
    expect((await here.exchange(details(task), { run_id: "other" })).statusCode).toBe(200);
  });

  test("an exchange without one comes first: the next one fixes it, and then it stays", async () => {
    await start(entry);
    expect(taskOf(await here.exchange())).toBeUndefined();
    expect(taskOf(await here.exchange(details(staging)))).toEqual({ environment: ["staging"] });
    expect(taskOf(await here.exchange())).toEqual({ environment: ["staging"] });
  });

  test("a job's token for another environment of the same run gets neither", async () => {
    await start({ ...entry, task: { environment: { claim: "environment" } } });
    await here.exchange({}, { environment: "staging" });
    const answer = await here.exchange({}, { environment: "production" });
    expect(refused(answer)).toMatchObject({ error: "invalid_grant", reason: "outside_task" });
    expect(taskOf(await here.exchange({}, { environment: "staging" }))).toEqual({ environment: ["staging"] });
  });

  test("as long as the session and a token of it can live", async () => {
    await here.exchange(details(staging));
    here.nowMs += 86_400_000 + 3_600_000 - 1_000;
    expect(taskOf(await here.exchange())).toEqual({ service: ["shop"], environment: ["staging"] });
    here.nowMs += 86_400_000 + 3_600_000 - 1_000;
    expect(taskOf(await here.exchange())).toEqual({ service: ["shop"], environment: ["staging"] });
  });

  test("of another session nothing is known", async () => {
    await here.exchange(details(staging));
    expect(taskOf(await here.exchange({}, { run_id: "4712" }))).toEqual({ service: ["shop"] });
  });

  test("an entry without session_id fixes it in each token and pins nothing", async () => {
    await start({ ...entry, claims: {}, task: { service: "shop" } });
    expect(taskOf(await here.exchange(details(staging)))).toEqual({ service: ["shop"], environment: ["staging"] });
    expect(taskOf(await here.exchange())).toEqual({ service: ["shop"] });
  });

  test("a scope that is refused pins nothing", async () => {
    await here.exchange({ ...details(staging), scope: "billing:pay" });
    expect(taskOf(await here.exchange(details({ environment: "preview" })))).toMatchObject({
      environment: ["preview"],
    });
  });

  test.each(["x", "[]", "{}", '{"cluster":["eu"]}', '{"service":[]}'])(
    "a store that says %p is not believed",
    async (text) => {
      here.store.pinTask = async () => text;
      const answer = await here.exchange();
      expect([answer.statusCode, answer.json().error]).toEqual([503, "temporarily_unavailable"]);
    },
  );

  test("a store that says something wider than the entry is not believed either", async () => {
    here.store.pinTask = async () => '{"environment":["production"]}';
    expect(refused(await here.exchange())).toMatchObject({ error: "invalid_grant", reason: "outside_task" });
    here.store.pinTask = async () => null;
    expect(refused(await here.exchange())).toMatchObject({ error: "invalid_grant", reason: "outside_task" });
  });
});

describe("tasks", () => {
  const values = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 });
  const task: fc.Arbitrary<Task> = fc.record(
    { service: values, environment: values, image: values },
    { requiredKeys: [] },
  );
  const permits = (one: Task | null, call: { service: string; environment: string; image: string }) =>
    (Object.entries(one ?? {}) as [keyof Task, string[]][]).every(([part, all]) => all.includes(call[part]));
  const names = fc.constantFrom("a", "b", "c", "d");
  const call = fc.record({ service: names, environment: names, image: names });

  test("narrowing never permits a call that one of the two does not", () => {
    fc.assert(
      fc.property(task, task, call, (fixed, asked, one) => {
        let met: Task | null;
        try {
          met = narrowed(fixed, asked);
        } catch (error) {
          return error instanceof OAuthError;
        }
        const both = permits(fixed, one) && permits(asked, one);
        return permits(met, one) === both && isWithin(met, fixed) && isWithin(met, asked);
      }),
    );
  });

  test("what is within permits no more", () => {
    fc.assert(
      fc.property(task, task, call, (inner, outer, one) => {
        return !isWithin(inner, outer) || !permits(inner, one) || permits(outer, one);
      }),
    );
  });

  test("the same task has one text, which reads back", () => {
    fc.assert(
      fc.property(task, (one) => {
        const text = taskText(one);
        const turned = Object.fromEntries(
          Object.entries(one)
            .reverse()
            .map(([part, all]) => [part, [...all, ...all].reverse()]),
        );
        expect(taskText(turned)).toBe(text);
        if (text === null) return Object.keys(one).length === 0;
        return taskText(readTask(text)) === text;
      }),
    );
  });

  test("whatever is sent is a task or a refusal", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((text) => `[{"type":"countersign_task","service":${text}}]`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const asked = askedTask(text);
          return asked !== null && Object.values(asked).every((all) => all.length > 0);
        } catch (error) {
          return error instanceof OAuthError && error.code === "invalid_authorization_details";
        }
      }),
    );
  });
});
