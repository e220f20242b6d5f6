import type { Program } from "../policies/program.js";
import type { Mode } from "../verdict.js";
import { parts, signature, type WorkspacePaths } from "./files.js";
import type { Workspace } from "./workspace.js";

type Part = keyof Workspace;

export interface WatchOptions {
  paths: WorkspacePaths;
  program: Program;
  defaultMode: Mode;
  /** Called before a new part takes effect; when it throws, the old part goes on and the new one is tried again. */
  onLoaded: (part: Part, next: Workspace, previous: Workspace | null) => Promise<void>;
  /** Called once for each bad state of a part's files. */
  onRefused: (part: Part, error: Error) => Promise<void>;
  /** How often the files are looked at. Looking instead of listening sees links swapped by Kubernetes and network file systems. */
  intervalMs?: number;
}

export interface WatchedWorkspace {
  current(): Workspace;
  /** What is wrong with the files as they are now, by part; empty when what they say is in force. */
  trouble(): Partial<Record<Part, string>>;
  /** Looks at the files now. */
  refresh(): Promise<void>;
  close(): void;
}

const partNames = Object.keys(parts) as Part[];

/** Loads the user's files and keeps up with them. Throws when they cannot be used at the start. */
export async function watchWorkspace(options: WatchOptions): Promise<WatchedWorkspace> {
  const { paths, program, defaultMode } = options;
  const seen = new Map<Part, string>();
  const trouble = new Map<Part, string>();

  const look = (part: Part): string => signature(parts[part].watches(paths));
  const load = <P extends Part>(part: P): Workspace[P] => parts[part].load(paths, program, defaultMode);

  for (const part of partNames) seen.set(part, look(part));
  let current: Workspace = { policies: load("policies"), catalogue: load("catalogue"), registry: load("registry") };
  for (const part of partNames) await options.onLoaded(part, current, null);

  async function refreshPart(part: Part): Promise<void> {
    const now = look(part);
    if (seen.get(part) === now) {
      // Files that went away and came back as they were need no load; what they say has been in force all the time.
      trouble.delete(part);
      return;
    }
    try {
      const next = { ...current, [part]: load(part) };
      await options.onLoaded(part, next, current);
      current = next;
      trouble.delete(part);
      seen.set(part, now);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      const told = trouble.get(part) === reason.message;
      trouble.set(part, reason.message);
      if (!told) await options.onRefused(part, reason);
    }
  }

  let running: Promise<void> = Promise.resolve();
  const refresh = (): Promise<void> => {
    running = running.then(async () => {
      for (const part of partNames) await refreshPart(part);
    });
    return running;
  };
  const timer = setInterval(() => void refresh(), options.intervalMs ?? 500);
  timer.unref();

  return {
    current: () => current,
    trouble: () => Object.fromEntries(trouble),
    refresh,
    close: () => clearInterval(timer),
  };
}
