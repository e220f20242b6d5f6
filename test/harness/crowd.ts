/** Does tasks, `width` of them at any time, for as long as `more` says so of the next; their results by their numbers. */
export async function crowd<T>(
  width: number,
  more: (n: number) => boolean,
  task: (n: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (more(next)) {
      const n = next++;
      results[n] = await task(n);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** How often each of the texts occurs. */
export function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}
