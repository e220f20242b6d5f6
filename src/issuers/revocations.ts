/** Which tokens have been revoked, on any process. */
export interface Revocations {
  /**
   * Resolves when all that other processes did until a second ago is known here: disabled agents and revoked tokens. `null`
   * when it is known already, as it is as a rule. Rejects with a `Refusal` `store_unavailable`.
   */
  fresh(): Promise<void> | null;
  /** Milliseconds since all of it was known last; infinite before the first time. */
  unheardMs(): number;
  isRevoked(jti: string): boolean;
}
