/** Why somebody is not signed in, or a link opens nothing. `detail` is for people. */
export const pageErrors = {
  token_unknown: { status: 401, detail: "this token is nobody's in people.yaml" },
  link_invalid: { status: 401, detail: "the link has expired or is not one of ours: sign in to see the approval" },
  sign_in_unknown: {
    status: 401,
    detail:
      "this sign-in was not begun in this browser, took longer than 10 minutes, or has ended already: begin again",
  },
  sign_in_refused: { status: 401, detail: "the identity provider did not sign you in" },
  sign_in_invalid: { status: 401, detail: "what the identity provider answered does not hold" },
  person_unknown: { status: 401, detail: "the identity provider names nobody in people.yaml" },
  client_refused: {
    status: 503,
    detail:
      "the identity provider does not know this server as its client: the operator has to mend client_id or secret",
  },
  provider_unavailable: { status: 503, detail: "the identity provider cannot be reached at the moment: try again" },
} as const;
export type PageErrorCode = keyof typeof pageErrors;

export class PageError extends Error {
  override readonly name = "PageError";
  readonly status: (typeof pageErrors)[PageErrorCode]["status"];

  constructor(
    readonly code: PageErrorCode,
    options?: ErrorOptions,
  ) {
    super(pageErrors[code].detail, options);
    this.status = pageErrors[code].status;
  }
}
