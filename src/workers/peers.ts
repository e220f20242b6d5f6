/** Something that a worker can ask the others; the types are those of what is asked and of each answer. */
export interface Question<Asked, Answered> {
  readonly name: string;
  /** Never there: it only ties the types to the name. */
  readonly types?: [Asked, Answered];
}

/** What one other worker said, or why it did not. */
export type PeerAnswer<Answered> = { worker: number } & ({ value: Answered } | { trouble: string });

/** The worker processes of one server, as one of them sees the others. What goes between them can be cloned. */
export interface Peers {
  /** Number of this process, from 1. */
  readonly worker: number;
  /** How many there are, this one included. */
  readonly workers: number;
  /** Asks every other worker; one that is away or silent for 2 s is in trouble. Never rejects. */
  ask<Asked, Answered>(question: Question<Asked, Answered>, asked: Asked): Promise<PeerAnswer<Answered>[]>;
  /** Says who answers a question of the others here. Once for each question. */
  answer<Asked, Answered>(
    question: Question<Asked, Answered>,
    by: (asked: Asked) => Answered | Promise<Answered>,
  ): void;
}

/** A server of one process, which has nobody to ask. */
export const alone: Peers = {
  worker: 1,
  workers: 1,
  ask: async () => [],
  answer: () => {},
};
