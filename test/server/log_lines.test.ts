import { jest } from "@jest/globals";
import { batchedLines } from "../../src/server/log_lines.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function start() {
  const written: string[] = [];
  const lines = batchedLines({ write: (text) => void written.push(text) }, (line) =>
    line.startsWith('{"level":"info"'),
  );
  const info = (n: number) => lines.write(`{"level":"info","n":${n}}\n`);
  return { lines, written, info };
}
const said = (...numbers: number[]) => numbers.map((n) => `{"level":"info","n":${n}}\n`).join("");

test("lines that come together are written together, in order, within a twentieth of a second", () => {
  const { written, info } = start();
  for (let n = 0; n < 20; n++) info(n);
  expect(written).toEqual([]);
  jest.advanceTimersByTime(50);
  expect(written).toEqual([said(...Array.from({ length: 20 }, (_, n) => n))]);
  info(20);
  jest.advanceTimersByTime(50);
  expect(written.at(-1)).toBe(said(20));
  expect(jest.getTimerCount()).toBe(0);
});

test.each(["warn", "error", "fatal", "debug"])(
  "a line of the level %s is written at once, behind what waits",
  (level) => {
    const { lines, written, info } = start();
    info(1);
    lines.write(`{"level":"${level}"}\n`);
    expect(written).toEqual([`${said(1)}{"level":"${level}"}\n`]);
    jest.advanceTimersByTime(1_000);
    expect(written).toHaveLength(1);
  },
);

test("what waits is bounded", () => {
  const { lines, written } = start();
  const line = `{"level":"info","text":"${"x".repeat(1_000)}"}\n`;
  for (let n = 0; n < 1_000; n++) lines.write(line);
  const longest = Math.max(...written.map((text) => text.length));
  expect(longest).toBeLessThan(70_000);
  expect(written.length).toBeGreaterThan(10);
  expect(written.join("") + lines.take()).toBe(line.repeat(1_000));
});

test("nothing is written twice, and nothing is left when it was taken or flushed", () => {
  const { lines, written, info } = start();
  info(1);
  expect(lines.take()).toBe(said(1));
  info(2);
  lines.flush();
  lines.flush();
  jest.advanceTimersByTime(1_000);
  expect(written).toEqual([said(2)]);
  expect(lines.take()).toBe("");
});

test("a line that may wait as its writer says is not looked at, keeps its place, and is bounded like the others", () => {
  const { lines, written, info } = start();
  info(1);
  // Of a level for which a line that is looked at does not wait.
  lines.later('{"level":"error"}\n');
  info(2);
  expect(written).toEqual([]);
  jest.advanceTimersByTime(50);
  expect(written).toEqual([`${said(1)}{"level":"error"}\n${said(2)}`]);
  for (let n = 0; n < 100; n++) lines.later(`${"x".repeat(1_000)}\n`);
  expect(written[1]?.length).toBeGreaterThan(65_000);
  expect(written[1]?.length).toBeLessThan(70_000);
  lines.flush();
  expect(jest.getTimerCount()).toBe(0);
});
