import type { AuditSink } from "../audit/record.js";
import type { Runtime } from "../runtime.js";
import { Turns } from "../workspace/turns.js";

/** From the most talkative to the quietest. */
export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Longest time for which a level may be asked for; for good is another thing. */
export const longestFor = "24h";

/** As it is shown. */
export interface LogLevelView {
  level: LogLevel;
  /** The one of the configuration, to which it goes back. */
  configured: LogLevel;
  /** When it does, RFC 3339 UTC; `null` = not by itself. */
  until: string | null;
}

/** The least level that is logged, changeable while the server runs. */
export interface LogLevels {
  /** `null` when the configuration turns the log off. */
  show(): LogLevelView | null;
  /**
   * Records the change and then makes it; after `forMs` (1 to 24 h; `null` = until it is changed again or the server ends) it
   * ends by itself. Throws `AuditUnavailable`, and then nothing has changed. `null` as `show`.
   */
  set(level: LogLevel, forMs: number | null, by: string): Promise<LogLevelView | null>;
  /** What was last asked for, as long as it holds; `null` when nobody has asked. */
  asked(): LogLevelAsked | null;
  /** Makes a change that is on record elsewhere. */
  adopt(asked: LogLevelAsked): void;
  close(): void;
}

export interface LogLevelAsked {
  level: LogLevel;
  /** Until then, in milliseconds since the Unix epoch; `null` = not by itself. */
  untilMs: number | null;
  by: string;
}

export interface LogLevelsOptions {
  log: { level: string; warn(details: object, message: string): void };
  /** What the configuration says; `null` when it turns the log off. */
  configured: LogLevel | null;
  audit: Pick<AuditSink, "append">;
  runtime: Pick<Runtime, "now">;
}

export function changeableLogLevel({ log, configured, audit, runtime }: LogLevelsOptions): LogLevels {
  // What is on record last is what holds.
  const turns = new Turns();
  let ending: { timer: NodeJS.Timeout; atMs: number } | null = null;
  let holds: LogLevelAsked | null = null;

  const show = (): LogLevelView | null =>
    configured && {
      level: log.level as LogLevel,
      configured,
      until: ending && new Date(ending.atMs).toISOString(),
    };

  function take(level: LogLevel, why: object): void {
    const from = log.level;
    log.level = level;
    // Said at a level that both of them show, or there would be a gap in the log without a word.
    if (from !== level) log.warn({ from, to: level, ...why }, "the log level has changed");
  }

  function forget(): void {
    if (ending) clearTimeout(ending.timer);
    ending = null;
  }

  async function change(level: LogLevel, forMs: number | null, by: string): Promise<LogLevelView | null> {
    if (configured === null) return null;
    const nowMs = runtime.now();
    const until = forMs === null ? null : new Date(nowMs + forMs).toISOString();
    const timestamp = new Date(nowMs).toISOString();
    const detail = { from: log.level, to: level, until };
    await audit.append({ kind: "admin", timestamp, act: "log_level_changed", by, agent_id: null, detail });
    adopt({ level, untilMs: forMs === null ? null : nowMs + forMs, by });
    return show();
  }

  function adopt(asked: LogLevelAsked): void {
    if (configured === null) return;
    const { level, untilMs: atMs, by } = asked;
    forget();
    holds = asked;
    take(level, { by, until: atMs === null ? null : new Date(atMs).toISOString() });
    if (atMs === null) return;
    const end = (): void => {
      ending = null;
      holds = null;
      take(configured, { by: "time" });
    };
    ending = { timer: setTimeout(end, Math.max(0, atMs - runtime.now())).unref(), atMs };
  }

  const set: LogLevels["set"] = (level, forMs, by) => turns.take(() => change(level, forMs, by));
  return { show, set, asked: () => holds, adopt, close: forget };
}
