/** How long things take, in milliseconds. */
export interface Timing {
  /** One try. */
  tryMs: number;
  /** Between the first tries, and the longest time between two. */
  firstMs: number;
  mostMs: number;
  /** After so long a notice is given up. */
  giveUpMs: number;
  /** Between two looks at what is pending. */
  lookMs: number;
  /** So long a process has for telling what it did itself, before others do; also how long one of them has for it. */
  graceMs: number;
  /** What is under way at the end of the process has so long to end. */
  closeMs: number;
}

export const usualTiming: Timing = {
  tryMs: 10_000,
  firstMs: 1_000,
  mostMs: 60_000,
  giveUpMs: 86_400_000,
  lookMs: 15_000,
  graceMs: 60_000,
  closeMs: 2_000,
};
