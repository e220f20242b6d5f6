import { z } from "zod";
import { sha256Hex } from "../../canonical.js";

/** Names of the keys. Names from outside are percent-encoded: no braces, colons or blanks of theirs reach a key. */
export interface Keys {
  /** Keys of one agent: all carry the same hash tag, so one script may touch them in a cluster. */
  limits(agent: string): string;
  shadow(agent: string): string;
  settled(agent: string, key: string): string;
  approval(agent: string, id: string): string;
  pending(agent: string, question: string): string;
  /** What one session has spent. */
  budget(agent: string, session: string): string;
  /** Ids of the agent's pending approvals by their expiry. */
  waiting(agent: string): string;
  /** Entries of `index` that are the agent's. */
  indexOf(agent: string): string;
  session(agent: string, session: string): string;
  /** What the agent did wrong outside of any session. */
  unbound(agent: string): string;
  /** Tools that the agent has used. */
  tools(agent: string): string;
  /** What the session is for. */
  task(agent: string, session: string): string;
  /** Across agents: where an approval is, and all approvals (agent and id) by time of creation. */
  locator(id: string): string;
  /** Agents that have a session of this id. */
  sessionAgents(session: string): string;
  /** Something that only the first who asks for it is to do. */
  once(name: string): string;
  readonly index: string;
  /** Entries of `index` that are pending, by their expiry. */
  readonly pendingIndex: string;
  readonly ping: string;
  pingOf(agent: string): string;
  /** Agents and revoked tokens. All carry one hash tag, and none that an agent's name can give. */
  registry(part: "state" | "changes" | "agents" | "flags" | "revoked"): string;
}

/** One approval in a list: its agent and its id. */
export interface IndexEntry {
  agent: string;
  id: string;
}

export function indexEntry(agent: string, id: string): string {
  return JSON.stringify([agent, id]);
}

/** `null` for text that is no entry. */
export function parseIndexEntry(text: string): IndexEntry | null {
  try {
    const [agent, id] = entryForm.parse(JSON.parse(text));
    return { agent, id };
  } catch {
    return null;
  }
}

const name = z.string().min(1).refine(isWellFormed);
const entryForm = z.tuple([name, name]);

/** What can be percent-encoded. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

const prefixForm = /^[\w.:-]{1,64}$/;

/** Throws a `RangeError` for a prefix that could end up in a hash tag. */
export function keysUnder(prefix: string): Keys {
  if (!prefixForm.test(prefix)) throw new RangeError("the key prefix may hold letters, digits and _ . : - only");
  // One step names a dozen keys of one agent.
  let last = { agent: "", tag: `${prefix}{}:` };
  const of = (agent: string, kind: string) => {
    if (last.agent !== agent) last = { agent, tag: `${prefix}{${encodeURIComponent(agent)}}:` };
    return last.tag + kind;
  };
  return {
    limits: (agent) => of(agent, "limits"),
    shadow: (agent) => of(agent, "shadow"),
    settled: (agent, key) => of(agent, `settled:${sha256Hex(key)}`),
    approval: (agent, id) => of(agent, `approval:${encodeURIComponent(id)}`),
    budget: (agent, session) => of(agent, `budget:${encodeURIComponent(session)}`),
    waiting: (agent) => of(agent, "waiting"),
    indexOf: (agent) => of(agent, "approvals"),
    pending: (agent, question) => of(agent, `pending:${encodeURIComponent(question)}`),
    session: (agent, session) => of(agent, `session:${encodeURIComponent(session)}`),
    unbound: (agent) => of(agent, "unbound"),
    tools: (agent) => of(agent, "tools"),
    sessionAgents: (session) => `${prefix}session:${encodeURIComponent(session)}`,
    locator: (id) => `${prefix}approval:${encodeURIComponent(id)}`,
    once: (name) => `${prefix}once:${sha256Hex(name)}`,
    index: `${prefix}approvals`,
    pendingIndex: `${prefix}pending`,
    ping: `${prefix}ping`,
    pingOf: (agent) => of(agent, "ping"),
    task: (agent, session) => of(agent, `task:${encodeURIComponent(session)}`),
    registry: (part) => `${prefix}{@registry}:${part}`,
  };
}
