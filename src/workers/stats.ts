import type { DashboardNumbers } from "../stats/dashboard.js";
import { seenIn, type WindowNumbers } from "../stats/seen.js";
import type { Peers, Question } from "./peers.js";

interface Told {
  numbers: WindowNumbers;
  sinceMs: number;
}

const numbers: Question<{ stepMinutes: number; steps: number }, Told> = { name: "stats.numbers" };

/** What all workers have counted. One that is away is missing until it is back with what it reads from its records. */
export function numbersOfAll(
  own: { numbers: (stepMinutes: number, steps: number) => WindowNumbers; sinceMs: () => number },
  peers: Peers,
): DashboardNumbers {
  const tell = (stepMinutes: number, steps: number): Told => ({
    numbers: own.numbers(stepMinutes, steps),
    sinceMs: own.sinceMs(),
  });
  peers.answer(numbers, ({ stepMinutes, steps }) => tell(stepMinutes, steps));
  return async (stepMinutes, steps) => {
    const others = await peers.ask(numbers, { stepMinutes, steps });
    const all = [tell(stepMinutes, steps), ...others.flatMap((one) => ("value" in one ? [one.value] : []))];
    const sinceMs = Math.min(...all.map((one) => one.sinceMs));
    return { seen: seenIn(all.map((one) => one.numbers)), sinceMs };
  };
}
