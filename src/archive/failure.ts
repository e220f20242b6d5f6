import { printable } from "../printable.js";

/** The bucket cannot be the archive as it is. The message says why and how to mend it. */
export class BucketUnfit extends Error {
  override readonly name = "BucketUnfit";
}

/** Under a key of ours lies what we did not put there. Never overwritten. */
export class ForeignObject extends Error {
  override readonly name = "ForeignObject";
}

/** HTTP status of the server's answer; `null` when none was seen. */
export function statusOf(error: unknown): number | null {
  const { $metadata } = Object(error) as { $metadata?: { httpStatusCode?: unknown } };
  const status = $metadata?.httpStatusCode;
  return typeof status === "number" ? status : null;
}

/** Statuses of refusals that may pass by themselves: timeout, conflict with a request at the same time, too many. */
const passing: readonly number[] = [408, 409, 425, 429];

/** Names of refusals that pass by themselves although their status does not say so. */
const passingNames: readonly string[] = ["RequestTimeout", "SlowDown", "ExpiredToken", "ExpiredTokenException"];

/** True when trying again as it is would be answered in the same way: the operator has something to mend. */
export function isRefusal(error: unknown): boolean {
  if (nameOf(error) === "CredentialsProviderError") return true;
  const status = statusOf(error);
  if (status === null || passingNames.includes(nameOf(error))) return false;
  return status >= 300 && status < 500 && !passing.includes(status);
}

/** What an operator can do about a refusal, by the server's name for it. */
const cures: Record<string, string> = {
  CredentialsProviderError: "give the process AWS credentials, for example AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  InvalidAccessKeyId: "check the credentials of the process",
  SignatureDoesNotMatch: "check the credentials of the process",
  AccessDenied: "give these credentials the rights that docs/archive.md lists",
  NoSuchBucket: "create the bucket with Object Lock, or correct audit.s3.bucket",
  PermanentRedirect: "correct audit.s3.region",
  AuthorizationHeaderMalformed: "correct audit.s3.region",
  IllegalLocationConstraintException: "correct audit.s3.region",
  RequestTimeTooSkewed: "set the clock of this machine",
};

/** How to mend what the server refused; `null` where only its own words help. */
export function cureOf(error: unknown): string | null {
  const name = nameOf(error);
  return Object.hasOwn(cures, name) ? (cures[name] ?? null) : null;
}

/** What went wrong, on one line. */
export function wordsOf(error: unknown): string {
  if (error instanceof BucketUnfit || error instanceof ForeignObject) return error.message;
  const { code } = Object(error) as { code?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  const name = typeof code === "string" ? code : nameOf(error);
  const said = message.includes(name) || name === "Error" ? message : `${name}: ${message}`;
  return printable(said === "" ? "no answer" : said);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
