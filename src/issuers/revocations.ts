/** Which tokens have been revoked, on any process. */
export interface Revocations {
  /**
   * Resolves when all that other processes did until a second ago is known here: disabled agents and revoked tokens. Needs
   * no round trip as a rule. Throws `Refusal` `store_unavailable`.
   */
  fresh(): Promise<void> | null;
  /** Milliseconds since all of it was known last; infinite before the first time. */
  unheardMs(): number;
  isRevoked(jti: string): boolean;
}
