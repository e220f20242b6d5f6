import { decodeJwt } from "jose";
import type { Json } from "../call.js";
import { type Answer, listed, placesOf, type Status } from "./answer.js";
import { type Cited, type Deed, distinct, isAgainst, passed, type Story } from "./story.js";

/** Who authorised it? The agent by its credential, who started the session, and the people who approved. */
export function authorised(story: Story): Answer {
  const through = passed(story);
  const status = statusOf(through);
  const shown = through.length > 0 ? through : story.deeds;
  const agents = distinct(shown.map(({ record }) => record.agent_id));
  const starters = distinct(shown.map(({ record }) => record.session_attestation?.initiated_by));
  const humans = through.flatMap(({ record }) => record.human_approval ?? []);
  const people = distinct(humans.map(({ approver }) => approver));
  const approvals = new Set(distinct(story.deeds.map(({ record }) => record.approval_id)));
  const answers = story.answers.filter(({ record }) => approvals.has(record.approval_id));
  return {
    question: "authorised",
    status,
    answer: sentence(status, { agents, starters, people, calls: through.length }),
    facts: {
      agents: shown.map(({ record }) => agentOf(record)) as unknown as Json,
      initiated_by: starters,
      people: humans.map(({ approver, timestamp, approval_id }) => ({
        approver,
        timestamp,
        approval_id,
        ...answerOf(story, approver, approval_id),
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
function statusOf(through: readonly Cited<Deed>[]): Status {
  const against = through.filter(({ record }) => isAgainst(record));
  if (against.length === through.length) return "no";
  if (against.length > 0) return "partly";
  return through.every(({ record }) => record.agent_id !== null) ? "yes" : "unknown";
}

function sentence(
  status: Status,
  { agents, starters, people, calls }: { agents: string[]; starters: string[]; people: string[]; calls: number },
): string {
  const agent = `agent ${listed(agents, "unknown")}`;
  const started = `in a session started by ${listed(starters, "nobody that is known")}`;
  if (calls === 0) return `Nobody: ${agent} asked, ${started}, and no call was let through.`;
  const against = "let through although policies said no or asked for people";
  const by = people.length > 0 ? `approved by ${listed(people, "")}` : "without anybody's approval";
  if (status === "no") return `Nobody: ${agent}, ${started}, was ${against}.`;
  const why = people.length > 0 ? "" : ", which policies did not ask for";
  const beside = status === "partly" ? `; other calls of it were ${against}` : "";
  return `The ${agent} acted ${started}, ${by}${why}${beside}.`;
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
function answerOf({ answers }: Story, approver: string, approvalId: string) {
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
