import { findEnvoy } from "./find_envoy.js";
import { PartMissing } from "./part_missing.js";
import { optionalPart, requirePart } from "./parts.js";

const saved = { ...process.env };
afterEach(() => {
  for (const name of ["CI", "ENVOY_BIN"]) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
});

const missing = (): Promise<never> => Promise.reject(new PartMissing("Thing", "get one"));

test("a missing part is told, and fails in CI", async () => {
  delete process.env.CI;
  expect(await requirePart("Thing", missing)).toEqual({ missing: "Thing is not here: get one" });
  process.env.CI = "true";
  await expect(requirePart("Thing", missing)).rejects.toThrow(PartMissing);
});

test("a missing part that another one stands in for is told, and does not fail in CI", async () => {
  process.env.CI = "true";
  expect(await optionalPart("Thing", missing)).toEqual({ missing: "Thing is not here: get one" });
  expect(await optionalPart("Thing", async () => 1)).toEqual({ value: 1 });
});

test("any other failure fails everywhere", async () => {
  delete process.env.CI;
  for (const find of [requirePart, optionalPart]) {
    await expect(find("Thing", () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  }
});

test("an ENVOY_BIN that is no Envoy is refused", async () => {
  process.env.ENVOY_BIN = "/bin/true";
  await expect(findEnvoy()).rejects.toThrow("ENVOY_BIN=/bin/true does not run");
});
