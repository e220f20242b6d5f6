import { mkdirSync, writeFileSync } from "node:fs";

/** Jest reporter: counts the tests of a run in `.cache/tally`, as `N passed, N failed[, N skipped]`. */
export default class Tally {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = results;
    // A file that could not even be loaded holds tests that nobody counted.
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : "";
    this.error = numPassedTests + failed === 0 ? new Error("no test was run") : undefined;
    mkdirSync(".cache", { recursive: true });
    writeFileSync(".cache/tally", `${numPassedTests} passed, ${failed} failed${skipped}\n`);
  }

  getLastError() {
    return this.error;
  }
}
