/**
 * Calls that come together go through their decisions in step: a part is done for all of them before the next part is begun
 * for any. What the processor needs for a part is then fetched once, and not by each call anew. Nobody waits for calls that
 * have not come.
 */

/**
 * Gives what to await for the end of the present turn of the event loop: one promise for all who ask in the turn. Where more
 * than `most` ask, further groups follow, each behind all that the one before it could do at once; so the first of
 * very many calls need not wait for the last.
 */
export function turnEnds(most: number): () => Promise<void> {
  let group: Promise<void> | null = null;
  let size = 0;
  return () => {
    if (group === null || size === most) {
      const made = new Promise<void>((resolve) => {
        setImmediate(() => {
          if (group === made) group = null;
          resolve();
        });
      });
      group = made;
      size = 0;
    }
    size += 1;
    return group;
  };
}

/**
 * Whoever awaits it lets others come as far as itself: what follows an `await` runs in the order in which it became ready
 * (ECMA-262, section 9.5, Jobs). One for all, so that no promise is made for it; no timer and no socket gets a turn meanwhile.
 */
export const inStep: Promise<void> = Promise.resolve();
