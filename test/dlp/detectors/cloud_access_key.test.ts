import { findCloudAccessKey } from "../../../src/dlp/detectors/cloud_access_key.js";
import { finds } from "./marked.js";

/** Put together here, since programs that look for keys in checkouts would take them for real. */
const key = (beginning: string, length: number): string => beginning + "aB3".repeat(length).slice(0, length);

finds(findCloudAccessKey, [
  `«${key("AIza", 35)}»`,
  `key «${key("GOCSPX-", 28)}».`,
  `«${key("ghp_", 36)}», «${key("ghs_", 40)}»`,
  `«${key("github_pat_", 22)}_${key("", 59)}»`,
  `«${key("glpat-", 20)}»`,
  `«${key("xoxb-", 11)}-${key("", 24)}»`,
  `«${key("xapp-1-", 24)}»`,
  `«${key("sk_live_", 24)}»`,
  `«${key("npm_", 36)}»`,
  `AccountName=x;«${key("AccountKey=", 86)}==»;EndpointSuffix=core.windows.net`,
  key("AIza", 34),
  key("ghp_", 35),
  key("xghp_", 36),
  "xoxb-short",
  "sk_live_x",
  "npm_config_registry",
  "AccountKey=abc==",
]);
