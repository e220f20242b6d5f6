import { type BudgetWarning, warnPercents } from "./store.js";

/** What somebody was told of a budget, as long as the day or the session lasts. */
export interface Told {
  /** The highest threshold that was reached by what was spent; 0 = none. */
  percent: 0 | (typeof warnPercents)[number];
  /** The highest limit of which it was told. */
  limitMicro: number;
  /** That it did not cover a call. */
  refused: boolean;
}

export const untold: Told = { percent: 0, limitMicro: 0, refused: false };

export interface BudgetUse {
  spentMicro: number;
  limitMicro: number;
  /** It did not cover the call. */
  refused: boolean;
}

/**
 * What nobody was told yet, and what everybody was told by then; `null` when there is nothing new. What was spent and what
 * was refused are told apart: one call that is too dear says nothing of the calls after it. A higher limit begins anew,
 * a lower one does not, so that processes with different limits do not go on telling.
 */
export function newsOf(
  told: Told,
  { spentMicro, limitMicro, refused }: BudgetUse,
): { told: Told; news: Pick<BudgetWarning, "percent" | "refused">[] } | null {
  const known = limitMicro > told.limitMicro ? { ...untold, limitMicro } : told;
  const percent = percentOf(spentMicro, limitMicro);
  const reached = percent !== 0 && percent > known.percent;
  const refuses = refused && !known.refused;
  if (!reached && !refuses) return null;
  return {
    told: { ...known, ...(reached && { percent }), refused: known.refused || refused },
    news: [...(reached ? [{ percent, refused: false }] : []), ...(refuses ? [{ percent: wholly, refused: true }] : [])],
  };
}

const [nearly, wholly] = warnPercents;

/** Up to how many percent a budget is used: 100, 80, or 0 for less. Nothing uses up a budget of nothing. */
function percentOf(spentMicro: number, limitMicro: number): Told["percent"] {
  if (spentMicro === 0) return 0;
  if (spentMicro >= limitMicro) return wholly;
  return spentMicro >= limitMicro * 0.8 ? nearly : 0;
}
