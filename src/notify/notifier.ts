import type { Happening, Notice } from "./notice.js";

/** Who tells people; the rows of `notifiers.ts`. */
export const notifierNames = ["slack", "teams", "webhook"] as const;
export type NotifierName = (typeof notifierNames)[number];

/** One way to tell people. */
export interface Notifier {
  readonly name: NotifierName;
  /** One try. Throws `NotSent`; any other error counts as one that can be tried again. */
  send(notice: Notice, attempt: Attempt): Promise<void>;
}

export interface Attempt {
  /** The same for each try of one notice, and for no other notice. */
  id: string;
  /** Aborted when the try has taken too long, or at the end of the process. */
  signal: AbortSignal;
}

/** The notice was not taken. The message goes to the log and `/readyz` and holds no secret. */
export class NotSent extends Error {
  override readonly name = "NotSent";

  constructor(
    message: string,
    /** `never`: the same notice will not be taken later either. `afterMs`: when the other side wants to be asked again. */
    readonly retry: { never?: true; afterMs?: number } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Where happenings go. Never throws, never makes the caller wait. */
export interface Notifications {
  tell(happening: Happening): void;
  /** `null` while everything is being told, else what is wrong, in words for the operator. */
  trouble(): string | null;
  close(): Promise<void>;
}
