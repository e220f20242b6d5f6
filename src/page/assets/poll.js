// @ts-check
/** Milliseconds between two looks while the page is seen, and while it is not. */
const seen = 2_000;
const unseen = 15_000;

/**
 * Runs a task again and again, never twice at a time. What it throws is for `failed`.
 *
 * @param {{ task: () => Promise<void>, done: () => void, failed: (error: unknown) => void }} use
 */
export function polling({ task, done, failed }) {
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
    timer = window.setTimeout(run, again ? 0 : document.hidden ? unseen : seen);
    again = false;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void run();
  });
  return {
    /** Looks at once, or as soon as the look that is under way has ended. */
    now: () => void run(),
  };
}
