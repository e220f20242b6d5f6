/** Jest reporter: ends every run with one line that counts the tests themselves, and fails a run that tested nothing. */
export default class Tally {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = results;
    // A file that could not even be loaded holds tests that nobody counted.
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : "";
    this.error = numPassedTests + failed === 0 ? new Error("no test was run") : undefined;
    process.stdout.write(`${numPassedTests} passed, ${failed} failed${skipped}\n`);
  }

  getLastError() {
    return this.error;
  }
}
