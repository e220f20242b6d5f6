import { randomUUID } from "node:crypto";
import { z } from "zod";
import { decodeAgent, decodeFlag, encode, unreadableAgent, unreadableFlag } from "../agent_codec.js";
import { checkAgent, checkFlag, checkPin, checkRevoked } from "../check_registry.js";
import { type RegistryChanges, revocationGraceMs, type Seen, type SharedRegistry } from "../shared_registry.js";
import type { Connected } from "./commands.js";
import type { Keys } from "./keys.js";
import { scripts } from "./scripts.js";

/** Changes in one answer. */
const pageSize = 500;

/** The words that changes-5 returns; a test compares them with its header. */
export const changeCodes = ["agent", "flag", "revoked"] as const;

const digits = z.string().regex(/^\d{1,16}$/);
const flag = z.enum(["0", "1"]);
const changesReply = z.tuple([z.string(), digits, flag, flag], z.string());
const seenForm = /^([\w-]*):(\d{1,16})$/;

/** As `over`: whatever is stored. */
const whatever = -1;

/** Agents and revoked tokens under one hash tag, each session's task under its agent's. */
export function redisRegistry(connection: Connected, keys: Keys, onTrouble: (error: Error) => void): SharedRegistry {
  const [state, changes, agents] = [keys.registry("state"), keys.registry("changes"), keys.registry("agents")];
  const [flags, revoked] = [keys.registry("flags"), keys.registry("revoked")];

  return {
    changes: async (seen) => {
      const given = [...placeOf(seen), pageSize, revocationGraceMs];
      return connection.run(async (redis) =>
        parseChanges(await scripts.changes.run(redis, [state, changes, agents, flags, revoked], given), onTrouble),
      );
    },
    putAgent: async (agent, over = agent.revision - 1) => {
      checkAgent(agent, over);
      const given = [agent.id, encode(agent), over ?? whatever, randomUUID()];
      return connection.run(async (redis) => isOne(await scripts.putAgent.run(redis, [state, changes, agents], given)));
    },
    putFlag: async (flag, over = flag.revision - 1) => {
      checkFlag(flag, over);
      const given = [flag.id, encode(flag), over ?? whatever, randomUUID()];
      return connection.run(async (redis) => isOne(await scripts.putFlag.run(redis, [state, changes, flags], given)));
    },
    revoke: async (token) => {
      checkRevoked(token);
      const given = [token.jti, token.expiresAtMs, revocationGraceMs, randomUUID()];
      await connection.run((redis) => scripts.revoke.run(redis, [state, changes, revoked], given));
    },
    pinTask: async (agent, session, task, ttlMs) => {
      checkPin(agent, session, task, ttlMs);
      const given = [task ?? "", ttlMs];
      return connection.run(async (redis) => {
        return z.string().parse(await scripts.pinTask.run(redis, [keys.task(agent, session)], given)) || null;
      });
    },
  };
}

function placeOf(seen: Seen | null): readonly [epoch: string, seq: string] {
  if (seen === null) return ["", "0"];
  const [, epoch, seq] = seenForm.exec(seen) ?? [];
  if (epoch === undefined || seq === undefined) throw new RangeError("seen is not what changes gave");
  return [epoch, seq];
}

/** What changes-5 says. Throws on anything unexpected but agents and flags that cannot be read. */
function parseChanges(reply: unknown, onTrouble: (error: Error) => void): RegistryChanges {
  const [epoch, seq, lost, more, ...rest] = changesReply.parse(reply);
  const agents: RegistryChanges["agents"][number][] = [];
  const flags: RegistryChanges["flags"][number][] = [];
  const revoked: RegistryChanges["revoked"][number][] = [];
  for (let n = 0; n < rest.length; n += 3) {
    const [kind, name = "", value = ""] = rest.slice(n, n + 3);
    switch (z.enum(changeCodes).parse(kind)) {
      case "agent":
        agents.push(agentOf(name, value, onTrouble));
        break;
      case "flag":
        flags.push(flagOf(name, value, onTrouble));
        break;
      case "revoked":
        revoked.push({ jti: name, expiresAtMs: Number(digits.parse(value)) });
        break;
    }
  }
  return { seen: `${epoch}:${seq}`, agents, flags, revoked, more: isOne(more), lost: isOne(lost) };
}

function agentOf(id: string, text: string, onTrouble: (error: Error) => void) {
  const agent = decodeAgent(id, text);
  if (agent) return agent;
  onTrouble(new Error("an agent in the store cannot be read and is refused"));
  return unreadableAgent(id);
}

function flagOf(id: string, text: string, onTrouble: (error: Error) => void) {
  const flag = decodeFlag(id, text);
  if (flag) return flag;
  onTrouble(new Error("a disabled or enabled agent in the store cannot be read and counts as disabled"));
  return unreadableFlag(id);
}

function isOne(reply: unknown): boolean {
  return flag.parse(reply) === "1";
}
