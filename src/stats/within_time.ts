/** Waits for work, and no longer than `ms`. Work that goes on is told so by `isOver`. Rejects when the work does in time. */
export async function withinTime(ms: number, work: (isOver: () => boolean) => Promise<void>): Promise<void> {
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work(() => over), end]);
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
