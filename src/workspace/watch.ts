import type { Program } from "../policies/program.js";
import { buildRegistry } from "../registry/load.js";
import type { Mode } from "../verdict.js";
import { contentOf, parts, stampOf, type WorkspacePaths } from "./files.js";
import type { Parts, Workspace } from "./workspace.js";

type Part = keyof Parts;

export interface WatchOptions {
  paths: WorkspacePaths;
  program: Program;
  defaultMode: Mode;
  /** Called before a new part takes effect; when it throws, the old part goes on and the new one is tried again. */
  onLoaded: (part: Part, next: Workspace, previous: Workspace | null) => Promise<void>;
  /** Called once for each bad state of a part's files; when it throws, again at the next look. */
  onRefused: (part: Part, error: Error) => Promise<void>;
  /** How often the files are looked at. Looking instead of listening sees links swapped by Kubernetes and network file systems. */
  intervalMs?: number;
}

export interface WatchedWorkspace {
  current(): Workspace;
  /** What is wrong with the files as they are now, by part; empty when what they say is in force. */
  trouble(): Partial<Record<Part, string>>;
  /** Looks at the files now. Never rejects. */
  refresh(): Promise<void>;
  /** Stops looking; resolves when a look under way has ended. */
  close(): Promise<void>;
}

/** What a part's files were at one look. */
interface Look {
  /** `null` when it cannot be relied on. */
  stamp: string | null;
  content: string;
}

const partNames = Object.keys(parts) as Part[];

/** Loads the user's files and keeps up with them. Throws when they cannot be used at the start. */
export async function watchWorkspace(options: WatchOptions): Promise<WatchedWorkspace> {
  const watcher = new Watcher(options);
  await watcher.start();
  return watcher;
}

class Watcher implements WatchedWorkspace {
  readonly #options: WatchOptions;
  readonly #inForce: Record<Part, Look>;
  readonly #trouble = new Map<Part, string>();
  readonly #told = new Map<Part, string>();
  #current: Workspace;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    // Looked at before they are read, so that a change in between is seen afterwards.
    this.#inForce = {
      policies: this.#look("policies"),
      catalogue: this.#look("catalogue"),
      agents: this.#look("agents"),
      people: this.#look("people"),
    };
    const loaded = {
      policies: this.#load("policies"),
      catalogue: this.#load("catalogue"),
      agents: this.#load("agents"),
      people: this.#load("people"),
    };
    this.#current = { ...loaded, registry: buildRegistry(loaded.agents, loaded.people) };
  }

  async start(): Promise<void> {
    for (const part of partNames) await this.#options.onLoaded(part, this.#current, null);
    let looking = false;
    this.#timer = setInterval(async () => {
      if (looking) return;
      looking = true;
      await this.refresh();
      looking = false;
    }, this.#options.intervalMs ?? 500).unref();
  }

  readonly current = (): Workspace => this.#current;

  readonly trouble = (): Partial<Record<Part, string>> => Object.fromEntries(this.#trouble);

  readonly refresh = (): Promise<void> => {
    this.#running = this.#running.then(async () => {
      for (const part of partNames) await this.#refreshPart(part);
    });
    return this.#running;
  };

  readonly close = (): Promise<void> => {
    clearInterval(this.#timer);
    return this.#running;
  };

  #look(part: Part): Look {
    const files = parts[part].watches(this.#options.paths);
    return { stamp: stampOf(files), content: contentOf(files) };
  }

  #load<P extends Part>(part: P): Parts[P] {
    const { paths, program, defaultMode } = this.#options;
    return parts[part].load(paths, program, defaultMode);
  }

  async #refreshPart(part: Part): Promise<void> {
    try {
      await this.#keepUp(part);
      // Also of files that went away and came back as they were: what they say has been in force all the time.
      this.#trouble.delete(part);
      this.#told.delete(part);
    } catch (error) {
      await this.#refuse(part, error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #keepUp(part: Part): Promise<void> {
    const { stamp, content } = this.#inForce[part];
    if (stamp !== null && stamp === stampOf(parts[part].watches(this.#options.paths))) return;
    const now = this.#look(part);
    if (now.content !== content) {
      const next = this.#with(part, this.#load(part));
      await this.#options.onLoaded(part, next, this.#current);
      this.#current = next;
    }
    this.#inForce[part] = now;
  }

  #with<P extends Part>(part: P, loaded: Parts[P]): Workspace {
    const next = { ...this.#current, [part]: loaded };
    const people = part === "agents" || part === "people";
    return people ? { ...next, registry: buildRegistry(next.agents, next.people) } : next;
  }

  async #refuse(part: Part, reason: Error): Promise<void> {
    this.#trouble.set(part, reason.message);
    if (this.#told.get(part) === reason.message) return;
    try {
      await this.#options.onRefused(part, reason);
      this.#told.set(part, reason.message);
    } catch {
      // It stays in `trouble` and is told at the next look.
    }
  }
}
