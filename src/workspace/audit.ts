import type { Logger } from "pino";
import type { AuditSink, RecordDraft } from "../audit/record.js";
import type { PolicyHistory } from "../history/history.js";
import type { PolicySet } from "../policies/policy_set.js";
import { withoutTokens } from "../record/secrets.js";
import type { Runtime } from "../runtime.js";
import type { Metrics } from "../telemetry/metrics.js";
import { unknownTools } from "./unknown_tools.js";
import type { WatchOptions } from "./watch.js";

const told = { rolled_back: "policies rolled back", released: "the roll-back was ended by hand" } as const;

/** Records every load and roll-back of policies before it takes effect, and tells operators of all loads. */
export function policyAudit(deps: {
  audit: AuditSink;
  history: PolicyHistory;
  log: Logger;
  metrics: Metrics;
  runtime: Pick<Runtime, "now">;
}): Pick<WatchOptions, "onLoaded" | "onRefused"> {
  const { audit, history, log, metrics, runtime } = deps;
  const timestamp = () => new Date(runtime.now()).toISOString();
  let version: string | null = null;

  async function policiesLoaded(next: PolicySet, previous: PolicySet | null): Promise<string> {
    const { event, asked, ends } = history.source.originOf(next);
    await audit.append({
      kind: "policy",
      timestamp: timestamp(),
      event,
      policy_version: next.version,
      previous_version: previous?.version ?? null,
      files: next.files,
      detail: asked?.reason ? withoutTokens(asked.reason) : null,
      ...(asked && { by: asked.by }),
    });
    history.tookEffect(next, previous);
    metrics.policyVersion(next.version);
    metrics.loaded("policies", event);
    const loaded = { part: "policies", policy_version: next.version };
    if (asked) log.warn({ ...loaded, by: asked.by, reason: asked.reason }, told[asked.event]);
    else if (ends) log.warn({ ...loaded, rolled_back: ends.version }, "new files end the roll-back");
    else if (previous) log.info(loaded, "files loaded");
    return next.version;
  }

  return {
    async onLoaded(part, next, previous) {
      if (part === "policies") {
        version = await policiesLoaded(next.policies, previous?.policies ?? null);
      } else {
        metrics.loaded(part, "loaded");
        if (previous) log.info({ part, policy_version: next.policies.version }, "files loaded");
      }
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
        detail: withoutTokens(error.message),
      };
      // The files are not in force either way, so a broken audit log is no reason to tell of them again and again.
      await audit.append(record).catch((cause) => log.error({ err: cause }, "the refusal could not be recorded"));
    },
  };
}
