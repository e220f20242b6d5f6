import type { Redis } from "ioredis";
import { encodeDraft } from "../approval_codec.js";
import { checkAnswer, checkFilter, checkLook, checkName, checkSettle } from "../check.js";
import { questionOf } from "../question.js";
import {
  agentToolsMs,
  approvalRetentionMs,
  type Charge,
  idempotencyMs,
  type Look,
  type LookRequest,
  maxSessionAgents,
  type SettleRequest,
  type SettleResult,
  type Store,
} from "../store.js";
import { answer, index, read, readOf } from "./approvals.js";
import type { Connection } from "./connection.js";
import type { Keys } from "./keys.js";
import { list } from "./list.js";
import { redisRegistry } from "./registry.js";
import { parseLook, parseSettle } from "./replies.js";
import { scripts } from "./scripts.js";
import { encodeObservation } from "./session_codec.js";
import { indexSession } from "./session_index.js";

/** The store that processes share. Its clock is the Redis server's. */
export function redisStore(connection: Connection, keys: Keys, onTrouble: (error: Error) => void): Store {
  return {
    shared: true,
    registry: redisRegistry(connection, keys, onTrouble),
    look: async (request) => {
      checkLook(request);
      return connection.run((redis) => look(redis, keys, request));
    },
    sessionAgents: async (session) => {
      checkName("session", session);
      return connection.run(async (redis) => {
        const agents = (await redis.smembers(keys.sessionAgents(session))).sort().slice(0, maxSessionAgents);
        const living = await Promise.all(agents.map((agent) => redis.exists(keys.session(agent, session))));
        return agents.filter((_, i) => living[i] === 1);
      });
    },
    settle: async (request) => {
      checkSettle(request);
      return connection.run((redis) => settle(redis, keys, request));
    },
    approval: async (id, agent) => {
      checkName("id", id);
      if (agent === undefined) return connection.run((redis) => read(redis, keys, id));
      checkName("agent", agent);
      return connection.run((redis) => readOf(redis, keys, agent, id));
    },
    approvals: async (filter) => {
      checkFilter(filter);
      return list(connection, keys, filter, onTrouble);
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

async function look(redis: Redis, keys: Keys, request: LookRequest): Promise<Look> {
  const { agent, session, tool, learningMs, approval } = request;
  const id = approval ?? "";
  const reply = await scripts.look.run(
    redis,
    [keys.session(agent, session), keys.tools(agent), keys.approval(agent, id), keys.unbound(agent)],
    [tool ?? "", learningMs, approval === null ? 0 : 1],
  );
  return parseLook(reply, { id, agent, session });
}

async function settle(redis: Redis, keys: Keys, request: SettleRequest): Promise<SettleResult> {
  const { agent, key, enforced, shadow, approval, observation: seen } = request;
  const open = `open:${agent}`;
  const names = approvalNames(approval);
  const opening = approval.kind === "open" ? approval : null;
  const question = opening ? questionOf(opening.draft) : "";
  const reply = await scripts.settle.run(
    redis,
    [
      keys.limits(agent),
      keys.shadow(agent),
      keys.settled(agent, key),
      keys.approval(agent, names.id),
      keys.pending(agent, question),
      keys.waiting(agent),
      keys.session(agent, seen?.session ?? open),
      keys.session(agent, open),
      keys.tools(agent),
      keys.unbound(agent),
    ],
    [
      ...chargeArguments(enforced),
      ...chargeArguments(shadow ?? {}),
      shadow ? 1 : 0,
      approval.kind,
      names.fingerprint,
      names.id,
      opening?.draft.expiresInMs ?? "",
      opening?.draft.quorum ?? "",
      opening ? encodeDraft(opening.draft) : "",
      idempotencyMs,
      approvalRetentionMs,
      opening?.maxPending ?? "",
      seen ? encodeObservation(seen) : "",
      agentToolsMs + (seen?.learningMs ?? 0),
    ],
  );
  const { createdAtMs, nowMs, own, ...result } = parseSettle(reply, seen?.session ?? open);
  if (seen && !result.replayed) await indexSession(redis, keys, { agent, seen, before: own, nowMs });
  if (result.approval.outcome === "opened") {
    if (createdAtMs === null) throw new Error("an opened approval has no time");
    const { id, expiresAtMs } = result.approval;
    await index(redis, keys, { id, agent, question, createdAtMs, expiresAtMs });
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
