import type { Check } from "./check.js";
import { approvers } from "./checks/approvers.js";
import { constantConditions } from "./checks/constant_conditions.js";
import { coveredWindows } from "./checks/covered_windows.js";
import { crossedBounds } from "./checks/crossed_bounds.js";
import { deniedAnyway } from "./checks/denied_anyway.js";
import { emptyLists } from "./checks/empty_lists.js";
import { freeBudget } from "./checks/free_budget.js";
import { nothingGranted } from "./checks/nothing_granted.js";
import { paramValues } from "./checks/param_values.js";
import { repeatedNames } from "./checks/repeated_names.js";
import { shadow } from "./checks/shadow.js";
import { unknownActions } from "./checks/unknown_actions.js";
import { unknownEnvironments } from "./checks/unknown_environments.js";
import { unknownParams } from "./checks/unknown_params.js";
import { unknownTools } from "./checks/unknown_tools.js";
import { withoutEffect } from "./checks/without_effect.js";

/** Every check by the name under which its findings are told. */
export const checks = {
  "empty-list": emptyLists,
  "crossed-bounds": crossedBounds,
  "param-values": paramValues,
  "covered-windows": coveredWindows,
  "constant-condition": constantConditions,
  "denied-anyway": deniedAnyway,
  "nothing-granted": nothingGranted,
  "without-effect": withoutEffect,
  "repeated-name": repeatedNames,
  "unknown-tool": unknownTools,
  "unknown-action": unknownActions,
  "unknown-param": unknownParams,
  "unknown-environment": unknownEnvironments,
  "free-budget": freeBudget,
  approvers,
  shadow,
} as const satisfies Record<string, Check>;

export type CheckName = keyof typeof checks;
