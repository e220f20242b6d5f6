import { keysUnder } from "../../src/store/redis/keys.js";
import { keyForEach, parseSlots, redirectOf, slotOf } from "../../src/store/redis/slots.js";

/* Slots of the examples are those that `CLUSTER KEYSLOT` of a server gives. */
test.each([
  ["123456789", 12739],
  ["foo", 12182],
  ["{user1000}.following", 3443],
  ["{user1000}.followers", 3443],
])("the slot of %s", (key, slot) => {
  expect(slotOf("get", [key])).toBe(slot);
  expect(slotOf("set", [key, "1", "PX", 1])).toBe(slot);
  expect(slotOf("evalsha", ["sha", 1, key, "argument"])).toBe(slot);
  expect(slotOf("eval", ["return 1", 2, key, "{other}"])).toBe(slot);
});

test("all keys of one agent are in one slot, whatever its name", () => {
  const keys = keysUnder("countersign:");
  for (const agent of ["a", "a}b{:", "{}", "käse ☃", "@registry"]) {
    const names = [
      keys.limits(agent),
      keys.settled(agent, "k"),
      keys.approval(agent, "}x{"),
      keys.session(agent, "{s}"),
    ];
    expect(new Set(names.map((name) => slotOf("get", [name]))).size).toBe(1);
  }
});

const replica = ["10.0.0.9", 6379, "id"];

test("the map names the primary of each slot", () => {
  const map = parseSlots(
    [
      [0, 1, ["10.0.0.1", 6379, "id", ["hostname", "h"]], replica],
      [3, 3, ["redis-2.internal", 6380]],
      [4, 4, ["", 6381, "id"]],
      [5, 5, [null, 6382, "id"]],
      [6, 6, ["?", 6383, "id"]],
      [16383, 16383, ["::1", 6379, "id"], replica, replica],
    ],
    "asked",
  );
  expect([...map]).toEqual([
    [0, "10.0.0.1:6379"],
    [1, "10.0.0.1:6379"],
    [3, "redis-2.internal:6380"],
    [4, "asked:6381"],
    [5, "asked:6382"],
    [16383, "::1:6379"],
  ]);
});

test.each([
  null,
  "OK",
  [[0, 16384, ["h", 1]]],
  [[-1, 0, ["h", 1]]],
  [[0, 1]],
  [[0, 1, ["h", 0]]],
  [[0, 1, ["h", 70000]]],
  [[0, 1, [1, 1]]],
])("%j is no map", (reply) => {
  expect(() => parseSlots(reply, "asked")).toThrow();
});

test.each([
  ["MOVED 3999 127.0.0.1:6381", { kind: "moved", slot: 3999, node: "127.0.0.1:6381" }],
  ["MOVED 3999 :6381", { kind: "moved", slot: 3999, node: "asked:6381" }],
  ["MOVED 0 ::1:6381", { kind: "moved", slot: 0, node: "::1:6381" }],
  ["ASK 16383 redis-2.internal:6379", { kind: "ask", node: "redis-2.internal:6379" }],
  ["TRYAGAIN Multiple keys request during rehashing of slot", { kind: "tryagain" }],
  ["MOVED 3999 ?:6381", null],
  ["MOVED x 127.0.0.1:6381", null],
  ["ERR MOVED 3999 127.0.0.1:6381", null],
  ["NOSCRIPT No matching script", null],
])("%s", (message, redirect) => {
  expect(redirectOf(new Error(message), "asked")).toEqual(redirect);
});

test("a key for each node is in a slot of the node", () => {
  const map = new Map(Array.from({ length: 16_384 }, (_, slot) => [slot, `n${slot % 7}`]));
  const keys = keyForEach(map, "countersign:ping");
  expect(new Set(keys.map((key) => map.get(slotOf("get", [key])))).size).toBe(7);
  expect(keys[0]).toBe("countersign:ping");
  expect(keyForEach(new Map([[1, "a"]]), "countersign:ping").length).toBeLessThanOrEqual(1);
});
