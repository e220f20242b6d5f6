import type { RecordPlace } from "../audit_query/place.js";
import type { Json } from "../call.js";
import type { Cited } from "./story.js";

/** The five questions, in the order in which they are asked. */
export const questions = {
  deployed: "What was deployed?",
  authorised: "Who authorised it?",
  within_policy: "Was it within policy?",
  normal: "Did the agent behave normally?",
  sensitive: "Did it touch sensitive data?",
} as const;
export type Question = keyof typeof questions;

/** `partly`: of some of the calls that were let through. `unknown`: the records do not prove it either way. */
export const statuses = ["yes", "partly", "no", "unknown"] as const;
export type Status = (typeof statuses)[number];

/** The answer to one question. */
export interface Answer {
  question: Question;
  /** Was it deployed, was it authorised, was it within policy, was the agent's behaviour normal, was data touched. */
  status: Status;
  /** One plain sentence. What agents and people wrote stands in it as it is: show it as hostile text. */
  answer: string;
  /** What the sentence rests on, by name. */
  facts: { [name: string]: Json };
  /** The records that prove it, oldest first. */
  records: RecordPlace[];
}

/** The places of these records, each once. */
export function placesOf(...lists: readonly (readonly Cited<unknown>[])[]): RecordPlace[] {
  const all = new Map(lists.flat().map(({ place }) => [`${place.writer} ${place.seq}`, place]));
  return [...all.values()].sort((a, b) => (a.timestamp < b.timestamp ? -1 : Number(a.timestamp > b.timestamp)));
}

/** `a, b and c`; `otherwise` for nothing. */
export function listed(words: readonly string[], otherwise: string): string {
  if (words.length < 2) return words[0] ?? otherwise;
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** `1 call`, `2 calls`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** `was` of one, `were` of more. */
export function were(count: number): string {
  return count === 1 ? "was" : "were";
}
