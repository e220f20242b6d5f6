import { encodeDraft } from "../approval_codec.js";
import { checked } from "../checked.js";
import { questionOf } from "../question.js";
import {
  agentToolsMs,
  approvalRetentionMs,
  idempotencyMs,
  type Look,
  type LookRequest,
  maxSessionAgents,
  type SettleRequest,
  type SettleResult,
  type Store,
} from "../store.js";
import { answer, index, read, readOf, unlist } from "./approvals.js";
import type { Commands, Connected } from "./commands.js";
import type { Keys } from "./keys.js";
import { chargeForm, decodeUsage, knownForm } from "./limit_codec.js";
import { list } from "./list.js";
import { PlainCalls } from "./plain_call.js";
import { redisRegistry } from "./registry.js";
import { parseLook, parseMark, parseSettle, settledOf } from "./replies.js";
import { scripts } from "./scripts.js";
import { observationForm, stepOf } from "./session_codec.js";
import { SessionIndex } from "./session_index.js";
import { steps } from "./steps.js";

/** The store that processes share. Its clock is the Redis server's. */
export function redisStore(connection: Connected, keys: Keys, onTrouble: (error: Error) => void): Store {
  const sessions = new SessionIndex(keys);
  const plain = new PlainCalls({ connection, keys, sessions });
  return checked({
    shared: true,
    registry: redisRegistry(connection, keys, onTrouble),
    look: (request) => connection.run((redis) => look(redis, keys, request)),
    sessionAgents: (session) =>
      connection.run(async (redis) => {
        const agents = (await redis.smembers(keys.sessionAgents(session))).sort().slice(0, maxSessionAgents);
        const living = await Promise.all(agents.map((agent) => redis.exists(keys.session(agent, session))));
        return agents.filter((_, i) => living[i] === 1);
      }),
    settle: (request) => plain.settle(request) ?? connection.run((redis) => settle(redis, { keys, sessions }, request)),
    approval: (id, agent) =>
      connection.run((redis) => (agent === undefined ? read(redis, keys, id) : readOf(redis, keys, agent, id))),
    approvals: (filter) => list(connection, keys, filter, onTrouble),
    answer: async (id, given) => {
      const step = steps(connection);
      const result = await step((redis) => answer(redis, keys, id, given));
      await unlist(step, keys, result);
      return result;
    },
    mark: async ({ id, agent }, name, value) => {
      const run = (redis: Commands) => scripts.mark.run(redis, [keys.approval(agent, id)], [name, value]);
      return parseMark(await connection.run(run));
    },
    marked: ({ id, agent }, name) => connection.run((redis) => redis.hget(keys.approval(agent, id), `mark:${name}`)),
    once: (name, ttlMs) =>
      connection.run(async (redis) => (await redis.set(keys.once(name), "1", "PX", ttlMs, "NX")) === "OK"),
    usage: async ({ agent, session }) => {
      const names = [keys.limits(agent), keys.shadow(agent), keys.budget(agent, session ?? ""), keys.waiting(agent)];
      return decodeUsage(await connection.run((redis) => scripts.usage.run(redis, names, [])));
    },
    ping: async (owner) => {
      if (owner === undefined) return connection.ping(keys.ping);
      await connection.run(
        (redis): Promise<unknown> =>
          owner === null ? redis.exists(keys.registry("state")) : redis.set(keys.pingOf(owner), "1", "PX", 1000),
      );
    },
    partOf: (owner) => connection.partOf(owner === null ? keys.registry("state") : keys.pingOf(owner)),
    close: () => connection.close(),
  });
}

async function look(redis: Commands, keys: Keys, request: LookRequest): Promise<Look> {
  const { agent, session, tool, learningMs, approval } = request;
  const id = approval ?? "";
  const reply = await scripts.look.run(
    redis,
    [keys.session(agent, session), keys.tools(agent), keys.approval(agent, id), keys.unbound(agent)],
    [tool ?? "", learningMs, approval === null ? 0 : 1],
  );
  return parseLook(reply, { id, agent, session });
}

async function settle(
  redis: Commands,
  { keys, sessions }: { keys: Keys; sessions: SessionIndex },
  request: SettleRequest,
): Promise<SettleResult> {
  const { agent, key, enforced, shadow, approval, observation: seen } = request;
  const open = `open:${agent}`;
  const session = seen ? seen.session : open;
  const question = approval.kind === "open" ? questionOf(approval.draft) : "";
  const reply = await scripts.settle.run(
    redis,
    [
      keys.limits(agent),
      keys.shadow(agent),
      keys.settled(agent, key),
      keys.approval(agent, idOf(approval)),
      keys.pending(agent, question),
      keys.waiting(agent),
      keys.session(agent, session),
      keys.session(agent, open),
      keys.tools(agent),
      keys.unbound(agent),
      keys.budget(agent, (enforced.sessionBudget ?? shadow?.sessionBudget)?.session ?? ""),
    ],
    [callForm(request), approval.kind, ...approvalArgs(approval)],
  );
  const result = parseSettle(reply, session);
  const { own, createdAtMs, nowMs, replayed } = result;
  if (seen && sessions.owes({ agent, seen, before: own, nowMs, replayed })) await sessions.write(redis, agent, seen);
  if (result.approval.outcome === "opened") {
    if (createdAtMs === null) throw new Error("an opened approval has no time");
    const { id, expiresAtMs } = result.approval;
    // A repeated call may ask another question by now than the one that was opened.
    const first = replayed ? await openedQuestion(redis, keys, agent, id) : question;
    if (first !== null) await index(redis, keys, { id, agent, question: first, createdAtMs, expiresAtMs });
  }
  return settledOf(result);
}

function callForm({ enforced, shadow, known, observation }: SettleRequest): string {
  return JSON.stringify({
    enforced: chargeForm(enforced),
    shadow: shadow && chargeForm(shadow),
    known: known && knownForm(known),
    seen: observation && observationForm(observation),
    keep: idempotencyMs,
    tools: agentToolsMs + (observation ? observation.learningMs + stepOf(observation.ttlMs) : 0),
  });
}

/** `null` when there is no such approval any more. */
async function openedQuestion(redis: Commands, keys: Keys, agent: string, id: string): Promise<string | null> {
  const approval = await readOf(redis, keys, agent, id);
  return approval && questionOf({ ...approval, expiresInMs: approval.expiresAtMs - approval.createdAtMs });
}

function idOf(approval: SettleRequest["approval"]): string {
  if (approval.kind === "none") return "";
  return approval.kind === "open" ? approval.draft.id : approval.id;
}

function approvalArgs(approval: SettleRequest["approval"]): readonly (string | number)[] {
  switch (approval.kind) {
    case "none":
      return [];
    case "open": {
      const { draft, maxPending } = approval;
      const { fingerprint, id, expiresInMs, quorum } = draft;
      return [fingerprint, id, expiresInMs, quorum, encodeDraft(draft), approvalRetentionMs, maxPending];
    }
    case "redeem":
      return [approval.fingerprint];
    default:
      return approval satisfies never;
  }
}
