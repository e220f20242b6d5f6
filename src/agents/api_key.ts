import type { Runtime } from "../runtime.js";

/** A new API key: 32 random bytes behind a prefix by which scanners for secrets can know it. */
export function newApiKey(runtime: Pick<Runtime, "random">): string {
  return `csk_${Buffer.from(runtime.random(32)).toString("base64url")}`;
}
