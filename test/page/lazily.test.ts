import { lazily } from "../../src/page/lazily.js";

function loader() {
  const here = { now: 0, asked: 0, answer: async (): Promise<string> => "one" };
  const load = () => {
    here.asked += 1;
    return here.answer();
  };
  return { here, get: lazily(load, { freshMs: 1_000, coolDownMs: 100, nowMs: () => here.now }) };
}

const down = async (): Promise<string> => {
  throw new Error("down");
};

test("is loaded when it is needed, and once for everybody", async () => {
  const { here, get } = loader();
  expect(here.asked).toBe(0);
  expect(await Promise.all([get(), get(), get()])).toEqual(["one", "one", "one"]);
  here.now = 999;
  await get();
  expect(here.asked).toBe(1);
  here.now = 1_000;
  here.answer = async () => "two";
  expect(await get()).toBe("two");
  expect(here.asked).toBe(2);
});

test("a failure is everybody's who waits, and is tried again after a while", async () => {
  const { here, get } = loader();
  here.answer = down;
  const results = await Promise.allSettled([get(), get()]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  here.now = 99;
  await expect(get()).rejects.toThrow("down");
  expect(here.asked).toBe(1);
  here.now = 100;
  here.answer = async () => "up";
  expect(await get()).toBe("up");
  expect(here.asked).toBe(2);
});

test("what was known stays while it cannot be had anew", async () => {
  const { here, get } = loader();
  await get();
  here.now = 1_000;
  here.answer = down;
  expect([await get(), await get()]).toEqual(["one", "one"]);
  expect(here.asked).toBe(2);
  here.now = 1_100;
  here.answer = async () => "two";
  expect(await get()).toBe("two");
});
