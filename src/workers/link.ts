import type { Answer, FromWorker, ToWorker } from "./messages.js";
import type { PeerAnswer, Peers } from "./peers.js";

/** After so long, in milliseconds, a worker counts as silent. */
const waitMs = 2_000;

interface Asking {
  waiting: Set<number>;
  answers: PeerAnswer<unknown>[];
  done: () => void;
}

/** The others, by way of the supervisor. */
export interface Link extends Peers {
  /** To be told of what the supervisor sends. */
  heard(message: ToWorker): void;
  /** The supervisor is gone, and with it the way to the others. */
  lost(): void;
}

export function linkToPeers(
  { worker, workers }: { worker: number; workers: number },
  send: (message: FromWorker) => void,
): Link {
  const others = Array.from({ length: workers }, (_, i) => i + 1).filter((number) => number !== worker);
  const asking = new Map<number, Asking>();
  const answerers = new Map<string, (asked: unknown) => unknown>();
  let last = 0;
  let isLost = false;

  function take(from: number, id: number, answer: Answer): void {
    const one = asking.get(id);
    // What comes late, or twice, was answered for already.
    if (!one?.waiting.delete(from)) return;
    one.answers.push({ worker: from, ...answer });
    if (one.waiting.size === 0) one.done();
  }

  async function reply(to: number, id: number, question: string, asked: unknown): Promise<void> {
    let answer: Answer;
    try {
      const by = answerers.get(question);
      answer = by ? { value: await by(asked) } : { trouble: "is starting" };
    } catch (error) {
      answer = { trouble: error instanceof Error ? error.message : String(error) };
    }
    send({ kind: "answer", to, id, answer });
  }

  function giveUp(id: number): void {
    for (const other of [...(asking.get(id)?.waiting ?? [])]) take(other, id, { trouble: "does not answer" });
  }

  return {
    worker,
    workers,
    ask: <Asked, Answered>({ name }: { name: string }, asked: Asked) =>
      new Promise<PeerAnswer<Answered>[]>((resolve) => {
        last += 1;
        const id = last;
        const timer = setTimeout(() => giveUp(id), waitMs);
        const done = (): void => {
          clearTimeout(timer);
          asking.delete(id);
          answers.sort((a, b) => a.worker - b.worker);
          resolve(answers as PeerAnswer<Answered>[]);
        };
        const answers: PeerAnswer<unknown>[] = [];
        asking.set(id, { waiting: new Set(others), answers, done });
        if (isLost) giveUp(id);
        else send({ kind: "ask", id, question: name, asked });
      }),
    answer(question, by) {
      answerers.set(question.name, by as (asked: unknown) => unknown);
    },
    heard(message) {
      if (message.kind === "asked") void reply(message.from, message.id, message.question, message.asked);
      if (message.kind === "answered") take(message.from, message.id, message.answer);
    },
    lost() {
      isLost = true;
      for (const id of [...asking.keys()]) giveUp(id);
    },
  };
}
