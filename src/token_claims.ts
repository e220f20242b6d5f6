/** Claims of a verified token that a record keeps. `exp` in seconds since the epoch. */
export interface TokenClaims {
  iss: string;
  sub: string;
  jti?: string;
  aud: string;
  scope: string;
  exp: number;
}
