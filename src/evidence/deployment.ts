import type { RecordPlace } from "../audit_query/place.js";
import type { UnreadableLine } from "../audit_query/search.js";
import { type Answer, type Question, questions } from "./answer.js";
import { authorised } from "./authorised.js";
import { deployed } from "./deployed.js";
import { type Gathered, type GatherOptions, gather } from "./gather.js";
import { normal } from "./normal.js";
import { sensitive } from "./sensitive.js";
import type { Story } from "./story.js";
import { withinPolicy } from "./within_policy.js";

/** The five answers about one deployment, from its records. */
export interface DeploymentEvidence {
  deployment_id: string;
  /** Of its first and its last call, RFC 3339. */
  from: string;
  to: string;
  answers: Answer[];
  /** Of the records that the answers rest on. `broken`: at least one does not hold, so nothing is proven. */
  signatures: "hold" | "broken" | "unchecked";
  broken: RecordPlace[];
  unreadable: UnreadableLine[];
  /** False when not all of its records could be read: answers may miss some. */
  complete: boolean;
}

const answering: Record<Question, (story: Story) => Answer> = {
  deployed,
  authorised,
  within_policy: withinPolicy,
  normal,
  sensitive,
};

/** The five answers; `null` when no record tells of a call of this deployment. Rejects when records cannot be read. */
export async function deploymentEvidence(
  paths: readonly string[],
  id: string,
  options: GatherOptions,
): Promise<DeploymentEvidence | null> {
  const gathered = await gather(paths, id, options);
  const { story, broken, unreadable, complete } = gathered;
  const [first, last] = [story.deeds[0], story.deeds.at(-1)];
  if ((!first || !last) && broken.length === 0) return null;
  const at = broken[0]?.timestamp ?? "";
  return {
    deployment_id: id,
    from: first?.record.timestamp ?? at,
    to: last?.record.timestamp ?? at,
    answers: (Object.keys(questions) as Question[]).map((question) => proven(answering[question](story), gathered)),
    signatures: options.keys === null ? "unchecked" : broken.length > 0 ? "broken" : "hold",
    broken,
    unreadable,
    complete,
  };
}

/** Where a record was changed, or some are missing, an answer that rests on the others may be wrong. */
function proven(answer: Answer, { broken, complete }: Gathered): Answer {
  if (broken.length > 0) {
    return {
      ...answer,
      status: "unknown",
      answer: "Records of this deployment are not as they were written: nothing is proven.",
    };
  }
  if (!complete) {
    return {
      ...answer,
      status: "unknown",
      answer: `Not all records could be read. As far as they were: ${answer.answer}`,
    };
  }
  return answer;
}
