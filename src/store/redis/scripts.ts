import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Commands } from "./commands.js";

/** One atomic step, a `.lua` file next to this one whose name ends in the number of its KEYS. */
export interface Script {
  readonly file: string;
  readonly sha: string;
  readonly arity: number;
  run(redis: Commands, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
}

const prelude = ["prelude.lua", "sessions.lua"];
const settling = [...prelude, "limits.lua", "remember.lua"];

export const scripts = {
  settle: load("settle-11.lua", settling),
  /** What is ordinary is answered before the functions of the rest are made. */
  settlePlain: load("plain-6.lua", [], [...settling, "settle-11.lua"]),
  look: load("look-4.lua"),
  approval: load("approval-1.lua"),
  answer: load("answer-3.lua"),
  mark: load("mark-1.lua"),
  usage: load("usage-4.lua"),
  status: load("status-1.lua"),
  listEntry: load("list_entry-1.lua"),
  pendingEntry: load("pending_entry-1.lua"),
  pendingEntries: load("pending_entries-1.lua"),
  sessionAgent: load("session_agent-1.lua"),
  changes: load("changes-5.lua"),
  putAgent: load("put_agent-3.lua"),
  putFlag: load("put_flag-3.lua"),
  revoke: load("revoke-3.lua"),
  pinTask: load("pin_task-1.lua"),
} as const;

function load(file: string, before: readonly string[] = prelude, behind: readonly string[] = []): Script {
  const source = [...before, file, ...behind].map(read).join("\n");
  const sha = createHash("sha1").update(source).digest("hex");
  const arity = Number(/-(\d+)\.lua$/.exec(file)?.[1]);
  return {
    file,
    sha,
    arity,
    // No async function: each call of each script would make two promises more.
    run(redis, keys, args) {
      if (keys.length !== arity)
        return Promise.reject(new RangeError(`${file} takes ${arity} keys, not ${keys.length}`));
      return redis.evalsha(sha, arity, ...keys, ...args).then(undefined, (error: unknown) => {
        // The server does not have the script (yet, or after a flush or restart), so nothing has run.
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        return redis.eval(source, arity, ...keys, ...args);
      });
    },
  };
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), "utf8");
}
