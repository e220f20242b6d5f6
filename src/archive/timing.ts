/** How long things take, in milliseconds. */
export interface ArchiveTiming {
  /** The first probe of a start; later ones go on in the background. */
  startMs: number;
  /** Between the first tries, and the longest time between two. */
  firstMs: number;
  mostMs: number;
  /** Between two looks at what is on disk. */
  lookMs: number;
  /** Until what could not be put for what lies there already is tried again. */
  foreignMs: number;
  /** One upload of an empty object; each byte adds to it. */
  uploadMs: number;
}

export const usualTiming: ArchiveTiming = {
  startMs: 15_000,
  firstMs: 1_000,
  mostMs: 60_000,
  lookMs: 10_000,
  foreignMs: 600_000,
  uploadMs: 60_000,
};

/** Slowest connection on which an upload is not given up, in bytes per millisecond. */
export const slowest = 64;
