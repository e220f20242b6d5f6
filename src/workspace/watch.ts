import { buildRegistry } from "../registry/load.js";
import { Turns } from "./turns.js";
import type { Part, Parts, Sources, Workspace } from "./workspace.js";

export interface WatchOptions {
  sources: Sources;
  /** Called before a new part takes effect; when it throws, the old part goes on and the new one is tried again. */
  onLoaded: (part: Part, next: Workspace, previous: Workspace | null) => Promise<void>;
  /** Called once for each bad state of a part; when it throws, again at the next look. */
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
  /** Stops looking; resolves when looks under way have ended. */
  close(): Promise<void>;
}

/** What is kept of one part between two looks. */
interface Watch {
  /** The source's word for what is in force. */
  inForce: string;
  /** The last load, so that neither what is waiting to be recorded nor what is bad is made again at each look. */
  loading: { content: string; startedMs: number; result: Promise<Parts[Part]>; failed: boolean } | null;
  /** Looks of one part, one after the other. */
  looks: Turns;
  trouble: string | null;
  /** The trouble that was told. */
  told: string | null;
}

const partNames = ["policies", "catalogue", "agents", "people"] as const satisfies readonly Part[];

/** What cannot be used is tried again after so long, even if it looks the same: it may want something that has come. */
const retryMs = 10_000;

/** Loads the user's files and keeps up with them. Throws when they cannot be used at the start. */
export async function watchWorkspace(options: WatchOptions): Promise<WatchedWorkspace> {
  const { sources } = options;
  // Looked at before they are loaded, so that a change in between is seen afterwards.
  const start = async <P extends Part>(part: P) => {
    const inForce = await sources[part].look();
    const watch: Watch = { inForce, loading: null, looks: new Turns(), trouble: null, told: null };
    return { watch, loaded: (await sources[part].load()) as Parts[P] };
  };
  const started = {
    policies: await start("policies"),
    catalogue: await start("catalogue"),
    agents: await start("agents"),
    people: await start("people"),
  };
  const { policies, catalogue, agents, people } = started;
  const parts = {
    policies: policies.loaded,
    catalogue: catalogue.loaded,
    agents: agents.loaded,
    people: people.loaded,
  };
  const first = { ...parts, registry: buildRegistry(parts.agents, parts.people) };
  for (const part of partNames) await options.onLoaded(part, first, null);
  const watches = {
    policies: policies.watch,
    catalogue: catalogue.watch,
    agents: agents.watch,
    people: people.watch,
  };
  return new Watcher(options, watches, first);
}

class Watcher implements WatchedWorkspace {
  readonly #options: WatchOptions;
  readonly #watches: Record<Part, Watch>;
  /** Parts are loaded at the same time, and take effect and are told of one after the other. */
  readonly #effects = new Turns();
  readonly #timer: NodeJS.Timeout;
  #current: Workspace;
  #closed = false;

  constructor(options: WatchOptions, watches: Record<Part, Watch>, first: Workspace) {
    this.#options = options;
    this.#watches = watches;
    this.#current = first;
    this.#timer = setInterval(() => {
      // A part that takes long is not waited for by the others, and is not asked again meanwhile.
      for (const part of partNames) if (watches[part].looks.idle()) void this.#look(part, true);
    }, options.intervalMs ?? 500).unref();
  }

  readonly current = (): Workspace => this.#current;

  readonly trouble = (): Partial<Record<Part, string>> => {
    const parts = partNames.map((part) => [part, this.#watches[part].trouble] as const);
    return Object.fromEntries(parts.filter(([, trouble]) => trouble !== null));
  };

  readonly refresh = async (): Promise<void> => {
    await Promise.all(partNames.map((part) => this.#look(part)));
  };

  readonly close = async (): Promise<void> => {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const part of partNames) this.#options.sources[part].close?.();
    await Promise.all(partNames.map((part) => this.#watches[part].looks.ended()));
  };

  #look(part: Part, mayRest = false): Promise<void> {
    const watch = this.#watches[part];
    return watch.looks.take(async () => {
      try {
        await this.#keepUp(part, watch, mayRest);
        // Also of files that went away and came back as they were: what they say has been in force all the time.
        watch.trouble = null;
        watch.told = null;
      } catch (error) {
        await this.#refuse(part, watch, error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  async #keepUp(part: Part, watch: Watch, mayRest: boolean): Promise<void> {
    const content = await this.#options.sources[part].look({ mayRest });
    if (content === watch.inForce) return;
    const loaded = await this.#load(part, watch, content);
    if (loaded === this.#current[part]) {
      // Something else was said, and it comes to the same.
      watch.inForce = content;
      watch.loading = null;
      return;
    }
    await this.#effects.take(async () => {
      const next = this.#with(part, loaded);
      await this.#options.onLoaded(part, next, this.#current);
      this.#current = next;
      watch.inForce = content;
      watch.loading = null;
    });
  }

  #load(part: Part, watch: Watch, content: string): Promise<Parts[Part]> {
    const { loading } = watch;
    const due = loading?.failed && performance.now() - loading.startedMs >= retryMs;
    if (loading && loading.content === content && !due) return loading.result;
    const started = {
      content,
      startedMs: performance.now(),
      result: this.#options.sources[part].load() as Promise<Parts[Part]>,
      failed: false,
    };
    started.result.catch(() => {
      started.failed = true;
    });
    watch.loading = started;
    return started.result;
  }

  #with(part: Part, loaded: Parts[Part]): Workspace {
    const next = { ...this.#current, [part]: loaded };
    const registered = part === "agents" || part === "people";
    return registered ? { ...next, registry: buildRegistry(next.agents, next.people) } : next;
  }

  async #refuse(part: Part, watch: Watch, reason: Error): Promise<void> {
    // What was given up because of the end says nothing about the part.
    if (this.#closed) return;
    watch.trouble = reason.message;
    if (watch.told === reason.message) return;
    try {
      await this.#effects.take(() => this.#options.onRefused(part, reason));
      watch.told = reason.message;
    } catch {
      // It stays in `trouble` and is told at the next look.
    }
  }
}
