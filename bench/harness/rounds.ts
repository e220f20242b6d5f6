/** Whose turn it is: forwards in even rounds and backwards in odd ones, so that nobody always comes after the same one. */
export function orderOf<T>(contenders: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...contenders] : [...contenders].reverse();
}

/** Runs every contender in every round, in alternating order, and gives the figures of each in the order of the rounds. */
export async function inRounds<C, F>(
  contenders: readonly C[],
  rounds: number,
  measure: (contender: C, round: number) => Promise<F>,
): Promise<Map<C, F[]>> {
  const found = new Map<C, F[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of orderOf(contenders, round)) found.get(contender)?.push(await measure(contender, round));
  }
  return found;
}

/**
 * Calls before each run, that count nowhere. Who has rested while the others had their turn pays for its first calls, the more
 * the longer it rested: that would tell of the number of contenders.
 */
export const runUpCalls = 1_500;

/** Calls of one slice of a warm-up: each is a start of the load generator, which takes as long as a thousand calls. */
const slice = 5_000;

/** Who is slow is given so long, in milliseconds. */
const longest = 30_000;

/**
 * Calls before anything is measured. Node's compiler knows only after some 40,000 what is worth its work (the CPU of a call of ours
 * still falls by a tenth from the 12,000th on); what is compiled beforehand needs few.
 */
const warmUpCalls = { onNode: 40_000, compiled: 10_000 };

/** Loads with calls that do not count, as many as the program needs where `calls` does not say. Gives the calls a second at the end. */
export async function warmUp(
  load: (calls: number) => Promise<{ perSecond: number }>,
  { compiled = false, calls }: { compiled?: boolean; calls?: number },
): Promise<number> {
  const wanted = calls ?? (compiled ? warmUpCalls.compiled : warmUpCalls.onNode);
  const deadline = performance.now() + longest;
  let perSecond = 0;
  for (let done = 0; done < wanted && performance.now() < deadline; done += slice) {
    ({ perSecond } = await load(slice));
  }
  return perSecond;
}
