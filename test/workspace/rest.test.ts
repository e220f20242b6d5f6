import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesSource } from "../../src/workspace/files.js";
import { fewFiles, Rest } from "../../src/workspace/rest.js";
import { until } from "../harness/until.js";

let nowMs = 0;
const clock = () => nowMs;
const many = fewFiles + 1;

let folder: string;
beforeEach(async () => {
  nowMs = 0;
  folder = await mkdtemp(join(tmpdir(), "countersign-rest-"));
});
afterEach(() => rm(folder, { recursive: true }));

test.each([
  ["few files are always looked at", fewFiles, 500, 0],
  ["many rest five hundred times as long as the look took", many, 10, 5_000],
  ["no rest is longer than ten seconds", many, 5_000, 10_000],
])("%s", (_, files, workedMs, restMs) => {
  const rest = new Rest(null, clock);
  expect(rest.isOver()).toBe(true);
  rest.end();
  rest.begin(files, workedMs);
  nowMs = restMs - 1;
  expect(rest.isOver()).toBe(restMs === 0);
  nowMs = restMs;
  expect(rest.isOver()).toBe(true);
});

test("a look that is asked for now is made, and one that may rest gives the last word until the rest is over", async () => {
  const files = Array.from({ length: many }, (_, n) => join(folder, `${n}.yaml`));
  for (const file of files) await writeFile(file, "a");
  let looks = 0;
  const watches = () => {
    looks += 1;
    return files;
  };
  const source = filesSource(watches, async () => null, new Rest(null, clock));
  const first = await source.look({ mayRest: true });
  await writeFile(files[0] as string, "b");
  expect(await source.look({ mayRest: true })).toBe(first);
  expect(looks).toBe(1);
  const second = await source.look();
  expect(second).not.toBe(first);
  expect(looks).toBe(2);
  await writeFile(files[0] as string, "c");
  expect(await source.look({ mayRest: true })).toBe(second);
  nowMs = 10_000;
  expect([first, second]).not.toContain(await source.look({ mayRest: true }));
  source.close?.();
});

test("a change in the folder ends the rest, also one that comes while the look is made", async () => {
  const rest = new Rest(folder, clock);
  rest.end();
  rest.begin(many, 5_000);
  expect(rest.isOver()).toBe(false);
  await writeFile(join(folder, "a.yaml"), "a");
  await until(() => rest.isOver(), { what: "word of the change" });
  // From here on it is listened to before a look as well.
  rest.end();
  await rename(join(folder, "a.yaml"), join(folder, "b.yaml"));
  // Given time to be told, the rest does not begin at all.
  await until(
    async () => {
      rest.begin(many, 5_000);
      return rest.isOver();
    },
    { what: "word of a change during the look" },
  );
  rest.close();
});

test("a folder that cannot be listened to rests all the same", () => {
  const rest = new Rest(join(folder, "none"), clock);
  for (let look = 0; look < 2; look++) {
    rest.end();
    rest.begin(many, 2);
    expect(rest.isOver()).toBe(false);
    nowMs += 1_000;
    expect(rest.isOver()).toBe(true);
  }
  rest.close();
});
