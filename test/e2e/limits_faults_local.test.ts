import { faultyRuns } from "./limits_faults_suite.js";

faultyRuns("two processes that go on with a fifth each", { onFailure: "{local: 0.2}", share: 0.2 });
