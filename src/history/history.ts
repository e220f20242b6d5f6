import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import type { Runtime } from "../runtime.js";
import { Turns } from "../workspace/turns.js";
import type { PartSource } from "../workspace/workspace.js";
import { dropAsked, readAsked } from "./asked.js";
import { HistoryError } from "./error.js";
import { appendEvent } from "./events.js";
import type { HistoryPlace } from "./place.js";
import { type Origin, RevertibleSource } from "./source.js";
import { keepVersion, pruneVersions, touchVersion } from "./versions.js";

/** The history of the policies of one server. */
export interface PolicyHistory {
  /** Policies from their files, unless people have gone back. */
  source: RevertibleSource;
  /** To be told before a set of the source takes effect, when nothing can come between any more. Never throws. */
  tookEffect(next: PolicySet, previous: PolicySet | null): void;
  /** What kept the last version from being written down, in words for the operator; `null` for nothing. */
  trouble(): string | null;
  /** Resolves when everything so far is written down. */
  written(): Promise<void>;
}

interface Options extends HistoryPlace {
  /** Where policies come from while nobody has gone back. */
  files: PartSource<PolicySet>;
  program: Program;
  runtime: Pick<Runtime, "now">;
  /** False for a process that only follows, while another one with the same folder writes the same down. */
  writes?: boolean;
  /** Decisions do not depend on the history, so what goes wrong with it is only told. */
  onTrouble(error: Error): void;
}

/** Keeps every policy version that takes effect, beside the decisions and not in their way. */
export function policyHistory(options: Options): PolicyHistory {
  const { dir, keep, files, program, runtime, writes: isWriter = true, onTrouble } = options;
  const source = new RevertibleSource({ dir, files, program });
  const writes = new Turns();
  let trouble: string | null = null;

  async function write(next: PolicySet, previous: PolicySet | null, origin: Origin): Promise<void> {
    const nowMs = runtime.now();
    const { event, asked, ends } = origin;
    let unkept: HistoryError | null = null;
    const noteUnkept = (error: unknown): void => {
      if (!(error instanceof HistoryError)) throw error;
      unkept = error;
    };
    if (event === "rolled_back") await touchVersion(dir, next.version, nowMs);
    else await keepVersion(dir, next).catch(noteUnkept);
    await appendEvent(dir, {
      version: next.version,
      at: new Date(nowMs).toISOString(),
      event,
      files: next.files,
      ...(asked && { by: asked.by }),
      previous: previous?.version ?? null,
    });
    if (ends) await dropAsked(dir, ends);
    const stillAsked = await readAsked(dir);
    const needed = stillAsked?.event === "rolled_back" ? [stillAsked.version] : [];
    await pruneVersions({ dir, keep }, [next.version, ...needed]);
    // It came into force all the same, which is written down before anybody is told.
    if (unkept) throw unkept;
  }

  return {
    source,
    tookEffect(next, previous) {
      source.tookEffect(next);
      if (!isWriter) return;
      const origin = source.originOf(next);
      void writes.take(async () => {
        try {
          await write(next, previous, origin);
          trouble = null;
        } catch (cause) {
          const error = cause instanceof Error ? cause : new Error(String(cause));
          trouble = error.message;
          onTrouble(error);
        }
      });
    },
    trouble: () => trouble,
    written: () => writes.ended(),
  };
}
