import { faultyRuns } from "./limits_faults_suite.js";

faultyRuns("two processes that refuse without their Redis", { onFailure: "deny", share: 0 });
