import type { Redis } from "ioredis";
import { encodeDraft } from "../approval_codec.js";
import { checkAnswer, checkLimit, checkName, checkSettle } from "../check.js";
import {
  approvalRetentionMs,
  type Charge,
  idempotencyMs,
  type SettleRequest,
  type SettleResult,
  type Store,
} from "../store.js";
import { answer, index, list, read } from "./approvals.js";
import type { Connection } from "./connection.js";
import type { Keys } from "./keys.js";
import { parseSettle } from "./replies.js";
import { scripts } from "./scripts.js";

/** The store that processes share. Its clock is the Redis server's. */
export function redisStore(connection: Connection, keys: Keys): Store {
  return {
    shared: true,
    settle: async (request) => {
      checkSettle(request);
      return connection.run((redis) => settle(redis, keys, request));
    },
    approval: async (id) => {
      checkName("id", id);
      return connection.run((redis) => read(redis, keys, id));
    },
    approvals: async (filter) => {
      checkLimit(filter.limit);
      return connection.run((redis) => list(redis, keys, filter));
    },
    answer: async (id, given) => {
      checkAnswer(id, given);
      return connection.run((redis) => answer(redis, keys, id, given));
    },
    ping: async () => {
      await connection.run((redis) => redis.set(keys.ping, "1", "PX", 1000));
    },
    close: () => connection.close(),
  };
}

async function settle(redis: Redis, keys: Keys, request: SettleRequest): Promise<SettleResult> {
  const { agent, key, enforced, shadow, approval } = request;
  const names = approvalNames(approval);
  const draft = approval.kind === "open" ? approval.draft : null;
  const reply = await scripts.settle.run(
    redis,
    [
      keys.limits(agent),
      keys.shadow(agent),
      keys.settled(agent, key),
      keys.approval(agent, names.id),
      keys.pending(agent, names.fingerprint),
    ],
    [
      ...chargeArguments(enforced),
      ...chargeArguments(shadow ?? {}),
      shadow ? 1 : 0,
      approval.kind,
      names.fingerprint,
      names.id,
      draft?.expiresInMs ?? "",
      draft?.quorum ?? "",
      draft ? encodeDraft(draft) : "",
      idempotencyMs,
      approvalRetentionMs,
    ],
  );
  const { createdAtMs, ...result } = parseSettle(reply);
  if (result.approval.outcome === "opened") {
    if (createdAtMs === null) throw new Error("an opened approval has no time");
    const { id, expiresAtMs } = result.approval;
    await index(redis, keys, { id, agent, fingerprint: names.fingerprint, createdAtMs, expiresAtMs });
  }
  return result;
}

function approvalNames(approval: SettleRequest["approval"]): { id: string; fingerprint: string } {
  switch (approval.kind) {
    case "none":
      return { id: "", fingerprint: "" };
    case "open":
      return approval.draft;
    case "redeem":
      return approval;
    default:
      return approval satisfies never;
  }
}

function chargeArguments({ rate, budget }: Charge): (string | number)[] {
  return [rate?.intervalUs ?? "", rate?.burst ?? "", budget?.limitMicro ?? "", budget?.costMicro ?? ""];
}
