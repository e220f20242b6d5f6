import { decodeJwt } from "jose";
import type { Json } from "../call.js";
import { type Answer, counted, listed, placesOf, type Status } from "./answer.js";
import { callsIn, unenforced } from "./call_text.js";
import { allowed, type Cited, type Deed, distinct, passed, passedAgainst, type Story } from "./story.js";

type Answered = Story["answers"];

/** Who authorised it? The agent by its credential, who started the session, and the people who approved. */
export function authorised(story: Story): Answer {
  const through = passed(story);
  const shown = through.length > 0 ? through : story.deeds;
  const humans = humansOf(through);
  const approvals = new Set(distinct(story.deeds.map(({ record }) => record.approval_id)));
  const answers = story.answers.filter(({ record }) => approvals.has(record.approval_id));
  const status = statusOf(story, answers);
  return {
    question: "authorised",
    status,
    answer: sentence(status, story, answers),
    facts: {
      agents: shown.map(({ record }) => agentOf(record)) as unknown as Json,
      initiated_by: startersOf(shown),
      people: humans.map(({ approver, timestamp, approval_id }) => ({
        approver,
        timestamp,
        approval_id,
        ...answerOf(answers, approver, approval_id),
      })) as unknown as Json,
      answers: answers.map(({ record: { approver, decision, outcome, timestamp, approval_id, comment, proof } }) => ({
        approver,
        decision,
        outcome,
        timestamp,
        approval_id,
        comment,
        ...shownIn(proof),
      })) as unknown as Json,
    },
    records: placesOf(shown, answers),
  };
}

/**
 * A call was authorised when its agent is known and no person was needed, or when people approved it. What was let through
 * although people were needed, as in shadow mode, nobody authorised.
 */
function statusOf(story: Story, answers: Answered): Status {
  const good = allowed(story);
  if (good.length === 0) return "no";
  if (good.some(({ record }) => record.agent_id === null) || takenBack(good, answers).length > 0) return "unknown";
  return passedAgainst(story).length > 0 ? "partly" : "yes";
}

function sentence(status: Status, story: Story, answers: Answered): string {
  const [good, against] = [allowed(story), passedAgainst(story)];
  if (good.length + against.length === 0) {
    const given = standing(answers).map(({ record }) => `${record.approver} (${record.outcome})`);
    const people = given.length === 0 ? "" : `; people answered: ${listed(distinct(given), "")}`;
    return `Nobody: ${whoIn(story.deeds)} asked, and no call was let through${people}.`;
  }
  const unasked = `${counted(callsIn(against), "call")} of ${whoIn(against)} went through ${unenforced(against)}`;
  const nobody = `${unasked} although policies said no or asked for people`;
  if (good.length === 0) return `Nobody: ${nobody}.`;
  const beside = against.length === 0 ? "" : `; nobody authorised the rest: ${nobody}`;
  const back = takenBack(good, answers);
  if (back.length > 0) return `Nobody can tell: calls used approvals that ${listed(back, "")} took back${beside}.`;
  if (status === "unknown")
    return `Nobody can tell: a call was let through of an agent that is not on record${beside}.`;
  const people = distinct(humansOf(good).map(({ approver }) => approver));
  const unseen = people.filter((person) => !answers.some(({ record }) => record.approver === person));
  const missing = unseen.length === 0 ? "" : ` (the answer of ${listed(unseen, "")} itself is not among these records)`;
  const by =
    people.length > 0 ? `with the approval of ${listed(people, "")}${missing}` : "and policies asked for no approval";
  return `It was ${whoIn(good)}, ${by}${beside}.`;
}

/** `agent a, in a session started by b`. */
function whoIn(deeds: readonly Cited<Deed>[]): string {
  const agents = distinct(deeds.map(({ record }) => record.agent_id));
  const one = `agent${agents.length > 1 ? "s" : ""} ${listed(agents, "unknown")}`;
  return `${one}, in a session started by ${listed(startersOf(deeds), "nobody that is known")}`;
}

function startersOf(deeds: readonly Cited<Deed>[]): string[] {
  return distinct(deeds.map(({ record }) => record.session_attestation?.initiated_by));
}

function humansOf(deeds: readonly Cited<Deed>[]) {
  return deeds.flatMap(({ record }) => record.human_approval ?? []);
}

/** Each answer as it stands in the end: a later record with the same proof corrects the one before. */
function standing(answers: Answered): Answered {
  return [...new Map(answers.map((answer) => [answer.record.proof, answer])).values()];
}

/** Who denied or took back an approval that a call used all the same, which the records then contradict. */
function takenBack(good: readonly Cited<Deed>[], answers: Answered): string[] {
  const used = new Set(humansOf(good).map(({ approval_id: id }) => id));
  const against = standing(answers).filter(
    ({ record }) => used.has(record.approval_id) && (record.outcome === "denied" || record.outcome === "revoked"),
  );
  return distinct(against.map(({ record }) => record.approver));
}

function agentOf({
  decision_id,
  agent_id,
  agent_model,
  session_id,
  workflow_run_id,
  token,
  session_attestation: who,
}: Deed) {
  const { iss, sub, jti, scope, exp } = token ?? {};
  return {
    decision_id,
    agent_id,
    agent_model,
    session_id,
    workflow_run_id,
    session_bound: who?.bound ?? null,
    role: who?.role ?? null,
    clearance: who?.clearance ?? null,
    token: token && { iss, sub, jti: jti ?? null, scope, exp: exp ?? null },
  };
}

/** The comment of the person's answer, and that the answer is on record by itself. */
function answerOf(answers: Answered, approver: string, approvalId: string) {
  const given = answers.find(
    ({ record }) => record.approver === approver && record.approval_id === approvalId && record.decision === "approve",
  );
  return { comment: given?.record.comment ?? null, recorded: given !== undefined };
}

/** What the server's signature over an answer says was shown; the approval key verifies it. */
function shownIn(proof: string): { proof: string; shown: string | null } {
  try {
    const { shown } = decodeJwt(proof) as { shown?: unknown };
    return { proof, shown: typeof shown === "string" ? shown : null };
  } catch {
    return { proof, shown: null };
  }
}
