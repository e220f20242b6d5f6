import { spawn } from "node:child_process";
import { jest } from "@jest/globals";
import { parseStat, usedBy } from "../../bench/harness/accounting.js";
import { runChild } from "../../bench/harness/child.js";
import { Cleanup } from "../../bench/harness/cleanup.js";
import { readOptions } from "../../bench/harness/options.js";
import { delimited } from "../../bench/harness/requests.js";
import { findTool } from "../../bench/harness/tools.js";
import { PartMissing } from "../harness/part_missing.js";
import { describeWith, requirePart } from "../harness/parts.js";

test("what the kernel says of a process is read whatever its name is", () => {
  const rest = "S 7 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 11 0 1 2 3";
  expect(parseStat(`42 (node) ${rest}`)).toEqual({ parent: 7, ticks: 200 });
  expect(parseStat(`42 (a) b (c)) ${rest}`)).toEqual({ parent: 7, ticks: 200 });
  expect(() => parseStat("42 (node) S 7")).toThrow(TypeError);
});

const kernel = await requirePart("Linux", async () => {
  if (process.platform !== "linux")
    throw new PartMissing("/proc", "run this on Linux, whose kernel says there what a process used");
});

describeWith(kernel, "what processes used up", () => {
  test("counts work and memory", () => {
    const before = usedBy([process.pid]);
    const until = process.cpuUsage().user + 200_000;
    while (process.cpuUsage().user < until);
    const after = usedBy([process.pid]);
    expect(after.cpuUs - before.cpuUs).toBeGreaterThanOrEqual(150_000);
    expect(after.residentBytes).toBeGreaterThan(1 << 20);
    expect(usedBy([])).toEqual({ cpuUs: 0, residentBytes: 0 });
  });

  test("counts descendants once", async () => {
    const child = spawn("/bin/sleep", ["60"]);
    await new Promise((resolve) => child.once("spawn", resolve));
    const pid = child.pid as number;
    try {
      const [alone, both] = [usedBy([process.pid]), usedBy([process.pid, pid])];
      expect(Math.abs(both.residentBytes - alone.residentBytes)).toBeLessThan(64 << 20);
      expect(usedBy([pid]).residentBytes).toBeGreaterThan(0);
    } finally {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));
    }
    expect(() => usedBy([pid])).toThrow(/is gone/);
  });
});

test("options have defaults, and what cannot be meant is refused", () => {
  expect(readOptions([])).toMatchObject({ rounds: 5, calls: 8_000, levels: [0.5], only: "all" });
  expect(readOptions(["--rounds", "7", "--levels", "0.3", "--only", "grpc"])).toMatchObject({
    rounds: 7,
    levels: [0.3],
    only: "grpc",
  });
  // Make passes what was not set as nothing.
  expect(readOptions(["--rounds", "", "--only", ""])).toEqual(readOptions([]));
  expect(readOptions(["--help"])).toBe("help");
  for (const wrong of [["--rounds", "0"], ["--calls", "many"], ["--levels", "1.5"], ["--only", "half"], ["--fast"]]) {
    expect(() => readOptions(wrong)).toThrow();
  }
});

test("messages go after their length", () => {
  expect([...delimited(Buffer.from("ab"))]).toEqual([2, 97, 98]);
  expect([...delimited(Buffer.alloc(300)).subarray(0, 3)]).toEqual([0xac, 0x02, 0]);
});

test("a program that the environment names and that is not there is told, not replaced", async () => {
  const before = process.env.GHZ;
  process.env.GHZ = "/nowhere/ghz";
  try {
    await expect(findTool("ghz")).rejects.toThrow(PartMissing);
    await expect(findTool("ghz")).rejects.toThrow(/GHZ/);
    process.env.GHZ = process.execPath;
    expect(await findTool("ghz")).toBe(process.execPath);
  } finally {
    if (before === undefined) delete process.env.GHZ;
    else process.env.GHZ = before;
  }
});

test("a child that fails or takes too long is told with its last words", async () => {
  expect(await runChild("/bin/sh", ["-c", "echo fine"])).toBe("fine\n");
  await expect(runChild("/bin/sh", ["-c", "echo broken >&2; exit 3"])).rejects.toThrow(/ended with 3: broken/);
  await expect(runChild("/bin/sleep", ["60"], { timeoutMs: 50 })).rejects.toThrow(/took more than 50 ms/);
});

test("cleaning up goes backwards, past what fails, and once", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  const told = jest.spyOn(console, "error").mockImplementation(() => {});
  cleanup.add(async () => done.push("first"));
  const part = cleanup.part();
  part.add(async () => done.push("of the part"));
  cleanup.add(async () => {
    throw new Error("stuck");
  });
  await part.run();
  await cleanup.run();
  await cleanup.run();
  expect(done).toEqual(["of the part", "first"]);
  expect(told).toHaveBeenCalledTimes(1);
  told.mockRestore();
});
