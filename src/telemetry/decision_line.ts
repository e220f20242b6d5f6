import type { DestinationStream, Logger } from "pino";
import { isoTime } from "../iso_time.js";
import { factsShown } from "./attributes.js";
import type { DecisionFacts } from "./facts.js";

/** Writes the line of a decision in which nothing failed, where the level of the log shows it. */
export type DecisionLine = (facts: DecisionFacts, traceId: string) => void;

/** How a log writes its lines: the level as a word, the time as `isoTime`, `fields`, what is logged, the message. */
interface LineForm {
  /** `later` is asked instead, where there is one, for lines that may be written together with others. */
  to: DestinationStream & { later?: (line: string) => void };
  fields: object | null;
}

const forms = new WeakMap<Logger, LineForm>();

/** Says of a log that it writes its lines in this form, so that those of decisions need not be written by it. */
export function writesLines(log: Logger, form: LineForm): void {
  forms.set(log, form);
}

/**
 * The line as pino writes it, and where the form of the log is known, put together from members that are known: at a fourth of
 * the cost of looking at each one of an object. A text that JSON writes in another way, or with a token in it, is pino's.
 */
export function decisionLine(log: Logger): DecisionLine {
  // Taking secrets out of arbitrary objects costs thirty times as much as writing the line of a decision, whose members are a
  // closed set: none has a secret's name, and all are ids, words of our own or masked. Tokens are looked for in it all the same.
  const plain = log.child({}, { redact: [] });
  const byPino: DecisionLine = (facts, traceId) => plain.info({ ...factsShown(facts), trace_id: traceId }, "decision");
  const form = forms.get(log);
  if (!form) return byPino;
  const { to } = form;
  const write = to.later ?? ((line: string) => to.write(line));
  const fields = form.fields === null ? "" : JSON.stringify(form.fields).slice(1, -1);
  const behindTime = fields === "" ? '"' : `",${fields}`;
  const same = new SameMembers();
  return (facts, traceId) => {
    if (!plain.isLevelEnabled("info")) return;
    const members = same.of(facts);
    const { decisionId: id, latencyUs } = facts;
    if (members === null || special.test(id) || special.test(traceId) || !Number.isFinite(latencyUs)) {
      return byPino(facts, traceId);
    }
    const own = `${id}","latency_us":${latencyUs},"trace_id":"${traceId}","msg":"decision"}\n`;
    write(`{"level":"info","time":"${isoTime(Date.now())}${behindTime}${members}${own}`);
  };
}

/** What JSON may write in another way, and what a token begins with. */
const special = /[^ !#-[\]-~]|cs[kt]_|eyJ/;

/** Sessions whose calls are remembered, kinds of calls of each, and characters of one: some 4 MB at most. */
const most = { sessions: 1_000, kinds: 4, length: 700 };

/** The members of a line up to the decision's own id. Most calls are like one before them in their session, and so are these. */
class SameMembers {
  readonly #bySession = new Map<string | null, Remembered[]>();

  /** Beginning with a comma, ending in a quote that is open; `null` where one is not to be written as it is. */
  of(facts: DecisionFacts): string | null {
    const all = this.#bySession.get(facts.sessionId);
    if (all !== undefined) for (const one of all) if (isSame(one, facts)) return one.text;
    const text = membersOf(facts);
    if (text !== null && text.length <= most.length) this.#remember(facts, text);
    return text;
  }

  #remember(facts: DecisionFacts, text: string): void {
    const all = this.#bySession.get(facts.sessionId);
    const one = remembered(facts, text);
    if (all === undefined) {
      // To begin anew costs less than to know which session was seen last.
      if (this.#bySession.size >= most.sessions) this.#bySession.clear();
      this.#bySession.set(own(facts.sessionId), [one]);
      return;
    }
    if (all.length >= most.kinds) all.shift();
    all.push(one);
  }
}

type Told = Pick<
  DecisionFacts,
  "agentId" | "tool" | "action" | "environment" | "decision" | "enforced" | "reason" | "mode" | "policyVersion"
>;

interface Remembered extends Told {
  text: string;
}

function remembered(facts: Told, text: string): Remembered {
  const { agentId, tool, action, environment, decision, enforced, reason, mode, policyVersion } = facts;
  return {
    agentId: own(agentId),
    tool: own(tool),
    action: own(action),
    environment: own(environment),
    decision,
    enforced,
    reason: own(reason),
    mode,
    policyVersion,
    text: own(text),
  };
}

/** The same text, of ASCII, in memory of its own: a part of a larger text would keep all of that alive. */
function own<T extends string | null>(text: T): T {
  return text === null ? text : (Buffer.from(text, "latin1").toString("latin1") as T);
}

function isSame(a: Told, b: Told): boolean {
  const call = a.action === b.action && a.tool === b.tool && a.environment === b.environment && a.agentId === b.agentId;
  const found = a.decision === b.decision && a.enforced === b.enforced && a.reason === b.reason && a.mode === b.mode;
  return call && found && a.policyVersion === b.policyVersion;
}

function membersOf(facts: DecisionFacts): string | null {
  const { agentId, sessionId, tool, action, environment, decision, enforced, reason, mode, policyVersion } = facts;
  for (const text of [agentId, sessionId, tool, action, environment, reason, policyVersion]) {
    if (text !== null && special.test(text)) return null;
  }
  const who = member("agent_id", agentId) + member("session_id", sessionId);
  const what = member("tool", tool) + member("action", action) + member("environment", environment);
  const found = `"decision":"${decision}","enforced":"${enforced}","decision_reason":"${reason}","mode":"${mode}"`;
  return `${who}${what},${found},"policy_version":"${policyVersion}","decision_id":"`;
}

function member(name: string, text: string | null): string {
  return text === null ? "" : `,"${name}":"${text}"`;
}
