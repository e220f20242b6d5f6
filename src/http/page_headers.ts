const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

/** Of pages that people see: nothing runs or loads that is not a file of ours, and no text can become a script. */
export const pageHeaders = {
  "content-security-policy": policy.join("; "),
  "cross-origin-opener-policy": "same-origin",
} as const;
