import type { Rule } from "../../policies/document.js";
import { byMembers, listChange, type Said, shown } from "./change.js";

export type Of<K extends Rule["kind"]> = Extract<Rule, { kind: K }>;

/** How rules of one kind are compared and told. */
export interface Kind<K extends Rule["kind"]> {
  /** What the rule says, for one that is new or gone. */
  text(rule: Of<K>): string;
  compare(before: Of<K>, after: Of<K>): Said | null;
}

/** A rule that permits the members of a list. */
export const lists = <R>(key: string | ((rule: R) => string), members: (rule: R) => readonly unknown[]) => {
  const name = (rule: R): string => (typeof key === "string" ? key : key(rule));
  return {
    text: (rule: R) => `${name(rule)} ${members(rule).map(shown).join(", ")}`,
    compare: (before: R, after: R): Said | null => {
      const [old, now] = [members(before), members(after)];
      const what = listChange(old, now);
      return what === "" ? null : { what: `${name(after)} ${what}`, effect: byMembers(old, now) };
    },
  };
};
