const overrides: ReadonlySet<string> = new Set(["x-http-method", "x-http-method-override", "x-method-override"]);

/** True for headers by which some tools do another method than the request's. Names are lower case. */
export function isMethodOverride(header: string): boolean {
  return overrides.has(header);
}
