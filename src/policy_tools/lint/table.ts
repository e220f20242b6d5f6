import type { Check } from "./check.js";
import { actionCase } from "./checks/action_case.js";
import { approvers } from "./checks/approvers.js";
import { constantConditions } from "./checks/constant_conditions.js";
import { coveredWindows } from "./checks/covered_windows.js";
import { crossedBounds } from "./checks/crossed_bounds.js";
import { deniedAnyway } from "./checks/denied_anyway.js";
import { digestForms } from "./checks/digest_forms.js";
import { dottedParams } from "./checks/dotted_params.js";
import { emptyLists } from "./checks/empty_lists.js";
import { freeBudget } from "./checks/free_budget.js";
import { grantsAll } from "./checks/grants_all.js";
import { idleRates } from "./checks/idle_rates.js";
import { methodOverride } from "./checks/method_override.js";
import { nothingGranted } from "./checks/nothing_granted.js";
import { onlyAsks } from "./checks/only_asks.js";
import { otherFields } from "./checks/other_fields.js";
import { outsideParams } from "./checks/outside_params.js";
import { paramCase } from "./checks/param_case.js";
import { paramValues } from "./checks/param_values.js";
import { redactInBodies } from "./checks/redact_in_bodies.js";
import { repeatedNames } from "./checks/repeated_names.js";
import { shadow } from "./checks/shadow.js";
import { toolInAction } from "./checks/tool_in_action.js";
import { unknownActions } from "./checks/unknown_actions.js";
import { unknownAgents } from "./checks/unknown_agents.js";
import { unknownClassifications } from "./checks/unknown_classifications.js";
import { unknownEnvironments } from "./checks/unknown_environments.js";
import { unknownParams } from "./checks/unknown_params.js";
import { unknownTools } from "./checks/unknown_tools.js";
import { withoutEffect } from "./checks/without_effect.js";

/** Every check by the name under which its findings are told. */
export const checks = {
  "empty-list": emptyLists,
  "crossed-bounds": crossedBounds,
  "param-values": paramValues,
  "param-case": paramCase,
  "dotted-param": dottedParams,
  "digest-form": digestForms,
  "covered-windows": coveredWindows,
  "constant-condition": constantConditions,
  "denied-anyway": deniedAnyway,
  "nothing-granted": nothingGranted,
  "without-effect": withoutEffect,
  "grants-all": grantsAll,
  "only-asks": onlyAsks,
  "method-override": methodOverride,
  "repeated-name": repeatedNames,
  "action-case": actionCase,
  "unknown-tool": unknownTools,
  "unknown-action": unknownActions,
  "unknown-param": unknownParams,
  "unknown-environment": unknownEnvironments,
  "unknown-classification": unknownClassifications,
  "tool-in-action": toolInAction,
  "other-field": otherFields,
  "outside-params": outsideParams,
  "redact-in-body": redactInBodies,
  "free-budget": freeBudget,
  "idle-rate": idleRates,
  approvers,
  "unknown-agent": unknownAgents,
  shadow,
} as const satisfies Record<string, Check>;

export type CheckName = keyof typeof checks;
