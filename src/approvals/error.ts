/** Why an answer to an approval is not taken, or not known to be. */
export const approvalErrors = {
  not_found: { status: 404, detail: "there is no such approval" },
  not_approver: { status: 403, detail: "only approvers answer approvals" },
  self_approval: { status: 403, detail: "nobody answers for a call of their own" },
  not_in_group: { status: 403, detail: "only members of certain groups answer this approval" },
  decided: { status: 409, detail: "the approval is decided, or you have answered it already" },
  not_as_shown: { status: 409, detail: "what you were shown is not this approval; look at it again" },
  used: { status: 409, detail: "the approval was used already; what it let through cannot be taken back" },
  answer_unknown: {
    status: 503,
    detail: "it is not known whether your answer counts: look at the approval again",
  },
  expired: { status: 410, detail: "the approval has expired" },
  invalid_comment: {
    status: 400,
    detail: "a comment is at most 2000 characters without control or invisible characters",
  },
} as const;

export type ApprovalErrorCode = keyof typeof approvalErrors;

/** An answer that is not taken, or not known to be; `message` may be shown to the person. */
export class ApprovalError extends Error {
  readonly code: ApprovalErrorCode;
  /** As an HTTP status. */
  readonly status: (typeof approvalErrors)[ApprovalErrorCode]["status"];

  /** `detail` in place of the one that every such error has. */
  constructor(code: ApprovalErrorCode, detail: string = approvalErrors[code].detail, options?: ErrorOptions) {
    super(detail, options);
    this.name = "ApprovalError";
    this.code = code;
    this.status = approvalErrors[code].status;
  }
}
