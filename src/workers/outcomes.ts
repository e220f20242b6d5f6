import type { PassedDecisions, ToldOf } from "../outcomes/passed.js";
import type { Elsewhere } from "../outcomes/recorder.js";
import type { Peers, Question } from "./peers.js";

const told: Question<{ id: string; end: string }[], ToldOf[]> = { name: "outcomes.told" };

/**
 * Envoy tells one worker of calls that any of them let through: the others are asked which decision that was. Each end is
 * given away once, by the worker that decided.
 */
export function decisionsOfOthers(own: PassedDecisions, peers: Peers): Elsewhere | null {
  if (peers.workers === 1) return null;
  peers.answer(told, (ends) => ends.map(({ id, end }) => own.told(id, end)));
  return async (ends) => {
    const answers = (await peers.ask(told, [...ends])).flatMap((answer) => ("value" in answer ? [answer.value] : []));
    return ends.map((_, i) => mostTelling(answers.map((answer) => answer[i] ?? "unknown")));
  };
}

/** The decision where somebody knows it, else what somebody was told before. */
function mostTelling(answers: readonly ToldOf[]): ToldOf {
  const decision = answers.find((answer) => typeof answer === "object");
  if (decision) return decision;
  return (["contradicted", "repeated"] as const).find((word) => answers.includes(word)) ?? "unknown";
}
