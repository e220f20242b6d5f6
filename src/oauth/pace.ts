import { gcra } from "../store/gcra.js";
import { OAuthError } from "./error.js";

/**
 * Tokens of one agent from one process: 120 at once and 120 a minute. A job needs one, a large matrix of jobs some dozens;
 * each leaves a signed record and, where it binds a session, an entry in the store.
 */
export const tokensPerMinute = 120;
const rate = { intervalUs: 60_000_000 / tokensPerMinute, burst: tokensPerMinute };

/** Takes one token's place. Throws `OAuthError` with status 429. */
export type Pace = (agent: string, nowMs: number) => void;

/** Call it for registered agents only: it remembers as many as there are. */
export function pace(): Pace {
  const arrivals = new Map<string, number>();
  return (agent, nowMs) => {
    const nowUs = Math.floor(nowMs * 1000);
    const decision = gcra(nowUs, arrivals.get(agent) ?? null, rate);
    if (decision.conforms) {
      arrivals.set(agent, decision.tatUs);
      return;
    }
    // Full, and no further: after the clock went back it would stay full until the old time comes again.
    arrivals.set(agent, Math.min(arrivals.get(agent) ?? nowUs, nowUs + rate.intervalUs * rate.burst));
    const description = `the agent got ${tokensPerMinute} tokens in a minute; use a token until it expires`;
    throw new OAuthError("temporarily_unavailable", description, {
      status: 429,
      reason: "rate_exceeded",
      retryAfterSeconds: Math.ceil(decision.retryAfterUs / 1_000_000),
    });
  };
}
