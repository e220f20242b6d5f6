import { endOfRun, finder, spanOf } from "../pattern.js";

/** How the keys of other services begin. What goes on in the same characters belongs to the key. */
const beginnings = [
  // Google API key
  "AIza[A-Za-z0-9_-]{35}",
  // Google OAuth client secret
  "GOCSPX-[A-Za-z0-9_-]{28}",
  // GitHub
  "gh[opsur]_[A-Za-z0-9]{36}",
  "github_pat_[A-Za-z0-9_]{22}",
  // GitLab
  "glpat-[A-Za-z0-9_-]{20}",
  // Slack
  "xox[abeoprs]-[A-Za-z0-9-]{10}",
  "xapp-\\d-[A-Za-z0-9-]{10}",
  // Stripe
  "[rs]k_(?:live|test)_[A-Za-z0-9]{16}",
  // npm
  "npm_[A-Za-z0-9]{36}",
  // Azure storage
  "AccountKey=[A-Za-z0-9+/]{86}==",
];

export const findCloudAccessKey = finder(new RegExp(`(?<![A-Za-z0-9])(?:${beginnings.join("|")})`), (match) => {
  const { start, end } = spanOf(match);
  return { start, end: endOfRun(match.input, end, /[A-Za-z0-9_-]/) };
});
