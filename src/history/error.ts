/** Why policies do not go back to a version. */
export const historyErrors = {
  malformed_version: { status: 400 },
  unknown_version: { status: 404 },
  ambiguous_version: { status: 409 },
  unusable_version: { status: 409 },
  already_in_force: { status: 409 },
  not_rolled_back: { status: 409 },
  policies_unknown: { status: 409 },
  not_in_force_yet: { status: 503 },
  history_unavailable: { status: 503 },
} as const;

export type HistoryErrorCode = keyof typeof historyErrors;

/** A roll-back or release that does not happen; `message` may be shown to whoever asked for it. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly code: HistoryErrorCode;
  /** As an HTTP status. */
  readonly status: (typeof historyErrors)[HistoryErrorCode]["status"];

  constructor(code: HistoryErrorCode, message: string) {
    super(message);
    this.code = code;
    this.status = historyErrors[code].status;
  }
}
