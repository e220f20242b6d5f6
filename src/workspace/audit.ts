import type { Logger } from "pino";
import type { AuditSink, RecordDraft } from "../audit/record.js";
import type { Runtime } from "../runtime.js";
import type { Metrics } from "../telemetry/metrics.js";
import { unknownTools } from "./unknown_tools.js";
import type { WatchOptions } from "./watch.js";

/** Records every load of policies before it takes effect, and tells operators of all loads. */
export function policyAudit(deps: {
  audit: AuditSink;
  log: Logger;
  metrics: Metrics;
  runtime: Pick<Runtime, "now">;
}): Pick<WatchOptions, "onLoaded" | "onRefused"> {
  const { audit, log, metrics, runtime } = deps;
  const timestamp = () => new Date(runtime.now()).toISOString();
  let version: string | null = null;
  return {
    async onLoaded(part, next, previous) {
      if (part === "policies") {
        const policyVersion = next.policies.version;
        await audit.append({
          kind: "policy",
          timestamp: timestamp(),
          event: "loaded",
          policy_version: policyVersion,
          previous_version: previous?.policies.version ?? null,
          files: next.policies.files,
          detail: null,
        });
        version = policyVersion;
        metrics.policyVersion(policyVersion);
      }
      metrics.loaded(part, "loaded");
      if (previous) log.info({ part, policy_version: next.policies.version }, "files loaded");
      if (part === "policies" || part === "catalogue") for (const warning of unknownTools(next)) log.warn(warning);
      if (part === "agents") for (const warning of next.registry.warnings) log.warn(warning);
    },
    async onRefused(part, error) {
      metrics.loaded(part, "refused");
      log.error({ part, problems: error.message.split("\n") }, "files refused; the last good ones go on");
      if (part !== "policies") return;
      const record: RecordDraft = {
        kind: "policy",
        timestamp: timestamp(),
        event: "refused",
        policy_version: null,
        previous_version: version,
        files: [],
        detail: error.message,
      };
      // The files are not in force either way, so a broken audit log is no reason to tell of them again and again.
      await audit.append(record).catch((cause) => log.error({ err: cause }, "the refusal could not be recorded"));
    },
  };
}
