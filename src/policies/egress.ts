import { z } from "zod";
import { parseHostPattern } from "../host/pattern.js";
import { Refusal } from "../refusal.js";
import type { EgressPattern } from "./document.js";
import { rule } from "./rule.js";

/** `egress`: hosts that calls may go to. */
export const egressSchema = rule(
  z.strictObject({ allow: z.array(z.string().min(1)) }),
  "hosts that the agent's calls may go to: api.github.com:443, *.internal",
);

/** Reads `*.internal`, `api.github.com:443`, `10.0.0.1`, `[::1]:80`. `mistake` is told of what is none of these. */
export function compileEgress(
  { allow }: z.output<typeof egressSchema>["value"],
  mistake: (index: number, message: string) => void,
): EgressPattern[] {
  return allow.flatMap((text, index) => {
    try {
      const { host, wildcard, port } = parseHostPattern(text);
      return [{ text, host, wildcard, ...(port !== null && { port }) }];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      mistake(index, `not a host such as api.github.com:443 or *.internal: ${error.detail}`);
      return [];
    }
  });
}
