import { cost } from "./cost.js";
import { dlp } from "./dlp.js";
import { allowedEnvironments } from "./environments.js";
import { allowedImages } from "./images.js";
import { additionalParams, params } from "./params.js";
import { rego } from "./rego.js";
import { requireSession } from "./session.js";
import { windows } from "./windows.js";

/** The keys of an action that make rules, in the order in which breaches are reported. */
export const ruleKeys = {
  allowed_environments: allowedEnvironments,
  allowed_images: allowedImages,
  params,
  additional_params: additionalParams,
  windows,
  require: requireSession,
  dlp,
  rego,
  cost,
} as const;

export type RuleKeyName = keyof typeof ruleKeys;
