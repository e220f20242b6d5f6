import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import { parseRedisUrl } from "../../src/store/redis/address.js";
import { keysUnder } from "../../src/store/redis/keys.js";
import { requireVersion } from "../../src/store/redis/open.js";

test.each([
  ["redis://localhost", { host: "localhost", port: 6379, db: 0, tls: false }],
  ["redis://127.0.0.1:7000/3", { host: "127.0.0.1", port: 7000, db: 3, tls: false }],
  ["redis://[::1]:7000/", { host: "::1", port: 7000, db: 0, tls: false }],
  ["rediss://us%40er:p%2Fw@h", { host: "h", port: 6379, db: 0, username: "us@er", password: "p/w", tls: {} }],
])("%s", (url, address) => expect(parseRedisUrl(url)).toEqual(address));

test.each([
  "",
  "memory",
  "memory:x",
  "redis:",
  "redis://",
  "redis://:s3cret@",
  "redis://s3cret@host:port",
  "redis://:s3cret@host/name",
  "redis://:s3cret@host?enableOfflineQueue=true",
  "redis://host#s3cret",
  "http://:s3cret@host",
])("%p is no store, and the error does not repeat it", async (url) => {
  const failure = await openStore(url, { runtime: systemRuntime, waitMs: 100 }).then(
    () => "opened",
    (error: Error) => error.message,
  );
  expect(failure).toMatch(/redis/i);
  expect(failure).not.toContain("s3cret");
  expect(failure).not.toBe("opened");
});

test.each(["", "{", "a}", "a b", "\n", "é", "x".repeat(65)])("%p is no key prefix", (prefix) => {
  expect(() => keysUnder(prefix)).toThrow(RangeError);
});

test.each([0, -1, 1.5, Number.NaN])("a wait of %d ms is refused", async (waitMs) => {
  await expect(openStore("memory:", { runtime: systemRuntime, waitMs })).rejects.toThrow(RangeError);
});

test.each([
  ["redis_version:6.2.0\r\n", null],
  ["# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", null],
  ["redis_version:10.1.0\r\n", null],
  ["redis_version:6.0.16\r\n", "has version 6.0, and 6.2 or later is needed"],
  ["redis_version:5.9.9\r\n", "has version 5.9"],
  ["some_version:7.0.0\r\n", "does not tell its version"],
  ["", "does not tell its version"],
])("server information %p", (info, message) => {
  const check = expect(() => requireVersion(info));
  if (message === null) check.not.toThrow();
  else check.toThrow(message);
});
