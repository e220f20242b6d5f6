/**
 * A SPIFFE ID (SPIFFE-ID section 2): a trust domain of lower-case letters, digits and `. - _`, at most 255 of them, then
 * path segments of letters, digits and `. - _`, none of them `.` or `..`; at most 2048 bytes. No port, user, query,
 * fragment, escapes or trailing slash.
 */
export const spiffeIdForm =
  /^(?=[ -~]{1,2048}$)spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;

/** The SPIFFE ID that the text is, exactly as it is written; `null` when it is none. */
export function parseSpiffeId(text: string): string | null {
  return spiffeIdForm.test(text) ? text : null;
}
