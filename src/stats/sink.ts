import type { DecisionRecord } from "../audit/record.js";
import { countedOf } from "./counted.js";
import type { StatsWindow } from "./window.js";

/** Counts a decision that is recorded. One that cannot be counted is for `onTrouble`. */
export function counting(window: StatsWindow, onTrouble: (error: unknown) => void): (record: DecisionRecord) => void {
  return (record) => {
    try {
      window.count(countedOf(record));
    } catch (error) {
      // What is recorded is recorded: numbers are no reason to refuse the call.
      onTrouble(error);
    }
  };
}
