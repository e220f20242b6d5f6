import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What a process used up so far: the kernel's own accounting, over all threads. */
export interface Used {
  /** Microseconds of CPU, user and system together. The kernel counts in ticks, usually of 10 ms. */
  cpuUs: number;
  /** Resident memory in bytes at this moment. */
  residentBytes: number;
}

interface Stat {
  parent: number;
  ticks: number;
}

let tickUs: number | undefined;
const microsPerTick = (): number => {
  tickUs ??= 1e6 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return tickUs;
};

/** Of these processes and of all their descendants that are alive. Needs Linux's /proc. Throws when one of them is gone. */
export function usedBy(pids: readonly number[]): Used {
  const all = withDescendants(pids);
  const ticks = all.map((pid) => readStat(pid)?.ticks ?? 0).reduce((a, b) => a + b, 0);
  return { cpuUs: ticks * microsPerTick(), residentBytes: all.map(residentOf).reduce((a, b) => a + b, 0) };
}

/**
 * Parent and ticks out of `/proc/<pid>/stat`. The second field is the program's name in parentheses, which may hold spaces
 * and parentheses itself (proc_pid_stat(5): ppid is field 4, utime and stime are 14 and 15).
 */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  if (![parent, user, system].every(Number.isInteger)) throw new TypeError("this is no /proc/<pid>/stat");
  return { parent: parent as number, ticks: (user as number) + (system as number) };
}

function withDescendants(pids: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? readStat(Number(name))?.parent : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const reached = new Set<number>();
  const visit = (pid: number): void => {
    if (reached.has(pid)) return;
    reached.add(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  for (const pid of pids) {
    if (!readStat(pid)) throw new Error(`process ${pid} is gone`);
    visit(pid);
  }
  return [...reached];
}

function readStat(pid: number): Stat | undefined {
  const text = readProc(pid, "stat");
  return text === undefined ? undefined : parseStat(text);
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, "status") ?? "")?.[1] ?? 0) * 1024;
}

/** `undefined` for a process that ended meanwhile. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}
