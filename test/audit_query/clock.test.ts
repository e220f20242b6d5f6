import { readPage } from "../../src/audit_query/page.js";
import { scratch } from "../audit/samples.js";
import { decision, writeChain, writers } from "./chains.js";

const dir = scratch();
const right = (n: number) => decision({ decision_id: `right-${n}`, timestamp: `2026-03-01T12:0${n}:00.000Z` });
const wrong = (n: number) => decision({ decision_id: `wrong-${n}`, timestamp: "2020-01-01T00:00:00.000Z" });
const found = async () => {
  const filter = { fromMs: Date.parse("2026-03-01T00:00:00Z") };
  const page = await readPage([dir.path()], filter, { limit: 50, cursor: null });
  return page.found.map(({ record }) => "decision_id" in record && record.decision_id);
};

test("segments of a time when the clock was wrong do not hide what is older and within the span", async () => {
  await writeChain(dir.path(), writers[0], [right(1), right(2), wrong(1), wrong(2), right(3)], 1);
  expect(await found()).toEqual(["right-3", "right-2", "right-1"]);
});

test("a search for a short span still ends long before the beginning of a chain", async () => {
  const old = Array.from({ length: 200 }, (_, n) => wrong(n));
  await writeChain(dir.path(), writers[0], [right(1), ...old, right(2)], 1);
  expect(await found()).toEqual(["right-2"]);
});
