import { until } from "../../test/harness/until.js";
import { type Asker, askerOf } from "./ask.js";
import { allowedBody, allowedCall, type BenchCall, checkOf, maxReplicas, type Workload } from "./workload.js";

/** A call that the policies forbid, and one word on why. */
export interface Forbidden extends BenchCall {
  why: string;
}

/** Calls of the first agent that break one rule each. Every contender with a policy must deny all of them. */
export function forbiddenCalls(workload: Pick<Workload, "tokens">): Forbidden[] {
  const call = allowedCall(workload, 0);
  const body = (why: string, change: object) => ({ ...call, why, body: { ...allowedBody(0), ...change } });
  const other = `sha256:${"0".repeat(64)}`;
  return [
    body("another environment", { environment: "dev" }),
    body("no environment", { environment: undefined }),
    body("needs an approval", { environment: "production" }),
    body("another image", { image: `registry.internal/checkout@${other}` }),
    body("an image by tag", { image: "registry.internal/checkout:latest" }),
    body("no image", { image: undefined }),
    body("too many replicas", { replicas: maxReplicas + 1 }),
    body("replicas that are no number", { replicas: "3" }),
    body("no replicas", { replicas: undefined }),
    body("a service of another form", { service: "Checkout!" }),
    body("a service whose form only begins well", { service: "checkout\n" }),
    body("a service that is no text", { service: 7 }),
    body("no service", { service: undefined }),
    { ...call, why: "an action that is not listed", path: "/v1/destroy" },
    { ...call, why: "another path", path: "/v1/deploy/now" },
    { ...call, why: "another host", host: "payments.internal" },
    { ...call, why: "another method", method: "PUT" },
    { ...call, why: "an agent that nobody knows", agent: "stranger", token: "stranger" },
  ];
}

/** What one contender answers otherwise than the policies say; empty when they are understood alike. */
export async function misunderstandings(address: string, workload: Pick<Workload, "tokens">): Promise<string[]> {
  const asker = askerOf(address);
  const wrong: string[] = [];
  try {
    // The first calls of a new process may be too slow for its own patience.
    const first = () => asker.allows(checkOf(allowedCall(workload, 0)));
    await until(first, { what: "an allowed call to pass", timeoutMs: 15_000 }).catch(() => {});
    for (let n = 0; n < workload.tokens.length; n++) {
      const { agent, ...call } = allowedCall(workload, n);
      if (!(await passes(asker, { agent, ...call }))) wrong.push(`denies the allowed call of ${agent}`);
    }
    for (const { why, ...call } of forbiddenCalls(workload)) {
      if (await asker.allows(checkOf(call))) wrong.push(`allows a forbidden call: ${why}`);
    }
    return wrong;
  } finally {
    asker.close();
  }
}

/** Asked a few times, since a busy machine makes a store answer too late, and then a call is refused. */
async function passes(asker: Asker, call: BenchCall): Promise<boolean> {
  for (let tries = 0; tries < 5; tries++) if (await asker.allows(checkOf(call))) return true;
  return false;
}
