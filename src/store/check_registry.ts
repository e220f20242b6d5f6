import { checkInteger, checkName } from "./check.js";
import type { AgentFlag, RevokedToken, StoredAgent } from "./shared_registry.js";

/** Refuses agents, with a `RangeError`, that no caller should write; as `checkSettle` does. */
export function checkAgent({ createdAtMs, keys, ...revised }: StoredAgent, over: number | null): void {
  checkRevised(revised, over);
  checkInteger("createdAtMs", createdAtMs, 0);
  for (const { sha256, untilMs } of keys) {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new RangeError("keys.sha256 is no lower-case hex SHA-256");
    if (untilMs !== undefined) checkInteger("keys.untilMs", untilMs, 0);
  }
}

export function checkFlag(flag: AgentFlag, over: number | null): void {
  checkRevised(flag, over);
}

function checkRevised(
  { id, revision, proof }: Pick<AgentFlag, "id" | "revision" | "proof">,
  over: number | null,
): void {
  checkName("id", id);
  checkName("proof", proof);
  checkInteger("revision", revision, 1);
  if (over !== null) checkInteger("over", over, 0, revision - 1);
}

export function checkRevoked({ jti, expiresAtMs }: RevokedToken): void {
  checkName("jti", jti);
  checkInteger("expiresAtMs", expiresAtMs, 0);
}

export function checkPin(agent: string, session: string, task: string | null, ttlMs: number): void {
  checkName("agent", agent);
  checkName("session", session);
  if (task !== null) checkName("task", task);
  checkInteger("ttlMs", ttlMs, 1);
}
