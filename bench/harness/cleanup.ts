/** What has to be ended or removed, newest first. Everything in it is ended whatever fails before. */
export class Cleanup {
  private readonly steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.steps.push(step);
  }

  /** A part that can be cleaned up before the whole, and is at the latest with it. */
  part(): Cleanup {
    const part = new Cleanup();
    this.add(() => part.run());
    return part;
  }

  async run(): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      await step().catch((error: unknown) => console.error("bench: could not clean up:", error));
    }
  }
}

/** Runs and cleans up at the end, after a failure, and on Ctrl-C or SIGTERM, which end the process with status 130. */
export async function withCleanup(run: (cleanup: Cleanup) => Promise<void>): Promise<void> {
  const cleanup = new Cleanup();
  let ending: Promise<never> | undefined;
  const interrupted = (): void => {
    ending ??= cleanup.run().then(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  try {
    await run(cleanup);
  } catch (error) {
    // What runs fails when its processes are taken away; that is no failure of its own.
    await ending;
    throw error;
  } finally {
    await cleanup.run();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
  }
}
