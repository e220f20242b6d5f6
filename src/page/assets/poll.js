// @ts-check
/** @typedef {{ seen: number, unseen: number | null }} Pace Milliseconds between two looks; `null` = none while nobody sees it. */

/**
 * Runs a task again and again, never twice at a time. What it throws is for `failed`.
 *
 * @param {{ task: () => Promise<void>, done: () => void, failed: (error: unknown) => void, pace: Pace }} use
 */
export function polling({ task, done, failed, pace: { seen, unseen } }) {
  /** @type {number | undefined} */
  let timer;
  let running = false;
  let again = false;

  async function run() {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await task();
      done();
    } catch (error) {
      failed(error);
    } finally {
      running = false;
    }
    clearTimeout(timer);
    const next = again ? 0 : document.hidden ? unseen : seen;
    if (next !== null) timer = window.setTimeout(run, next);
    again = false;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void run();
    else if (unseen === null) clearTimeout(timer);
  });
  return {
    /** Looks at once, or as soon as the look that is under way has ended. */
    now: () => void run(),
  };
}
