import type { Program } from "../policies/program.js";
import type { Runtime } from "../runtime.js";
import { Turns } from "../workspace/turns.js";
import type { WatchedWorkspace } from "../workspace/watch.js";
import { askRelease, askRollback } from "./ask.js";
import { HistoryError } from "./error.js";
import { type HistoryEvent, type PolicyEvent, readEvents } from "./events.js";
import type { PolicyHistory } from "./history.js";
import { keptVersions } from "./versions.js";

/** A roll-back that holds. */
export interface RolledBack {
  /** What the policy files say. */
  from: string;
  to: string;
  at: string;
  by: string;
  reason: string | null;
}

export interface InForceView {
  current: string;
  rolled_back: RolledBack | null;
}

export interface PoliciesView extends InForceView {
  /** What is kept and so can be gone back to, newest first, each as it last came into force. */
  versions: { version: string; loaded_at: string; files: string[]; event: PolicyEvent }[];
}

/** The policies in force, those before them, and the way back. */
export interface PolicyVersions {
  inForce(): InForceView;
  show(): Promise<PoliciesView>;
  /** Looks at what is asked for. Resolves when what came of it is in force and written down. */
  look(): Promise<void>;
  /** Resolves when the version is in force. Throws `HistoryError`. */
  rollBack(version: string, by: string, reason: string | null): Promise<InForceView>;
  /** Resolves when what the policy files say is in force. Throws `HistoryError`. */
  release(by: string, reason: string | null): Promise<InForceView>;
}

/** Versions in one answer at most. */
const most = 50;

export function policyVersions(deps: {
  dir: string;
  history: PolicyHistory;
  workspace: Pick<WatchedWorkspace, "current" | "refresh" | "trouble">;
  program: Program;
  runtime: Pick<Runtime, "now">;
}): PolicyVersions {
  const { dir, history, workspace, program, runtime } = deps;
  // One after the other: each is judged by what the one before it led to.
  const turns = new Turns();
  const current = (): string => workspace.current().policies.version;
  const asking = (by: string, reason: string | null) => ({ at: new Date(runtime.now()).toISOString(), by, reason });

  const inForce = (): InForceView => {
    const rollback = history.source.rollback();
    return {
      current: current(),
      rolled_back: rollback && {
        from: rollback.instead_of,
        to: rollback.version,
        at: rollback.at,
        by: rollback.by,
        reason: rollback.reason,
      },
    };
  };

  const look = async (): Promise<void> => {
    await workspace.refresh();
    await history.written();
  };

  /** Looks at once, and says so when what was asked for did not come. */
  const follow = async (asked: string, came: () => boolean): Promise<InForceView> => {
    await look();
    if (came()) return inForce();
    const why = workspace.trouble().policies ?? "the policy files say something else now";
    throw new HistoryError("not_in_force_yet", `${asked} is asked for and not in force: ${why}`);
  };

  return {
    inForce,
    look,
    async show() {
      const [kept, events] = [new Set(await keptVersions(dir)), await readEvents(dir)];
      const newest = new Map<string, HistoryEvent>();
      for (const event of events) {
        if (kept.has(event.version) && !newest.has(event.version)) newest.set(event.version, event);
      }
      const versions = [...newest.values()].slice(0, most);
      return {
        ...inForce(),
        versions: versions.map(({ version, at, files, event }) => ({ version, loaded_at: at, files, event })),
      };
    },
    rollBack: (version, by, reason) =>
      turns.take(async () => {
        await history.written();
        const standing = { current: current(), files: history.source.rollback()?.instead_of ?? current() };
        const rollback = await askRollback(dir, version, standing, asking(by, reason), program);
        return follow(rollback.version, () => current() === rollback.version);
      }),
    release: (by, reason) =>
      turns.take(async () => {
        await askRelease(dir, history.source.rollback(), asking(by, reason));
        return follow("what the policy files say", () => history.source.rollback() === null);
      }),
  };
}
