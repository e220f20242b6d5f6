import type { Redis } from "ioredis";

/** What the store asks of servers. Each names its keys, and those of one command are in one slot of a cluster. */
export const commandNames = [
  "eval",
  "evalsha",
  "exists",
  "get",
  "hget",
  "set",
  "smembers",
  "zrem",
  "zrevrange",
] as const;

export type CommandName = (typeof commandNames)[number];
export type Commands = Pick<Redis, CommandName>;

/** One server, or the nodes of a cluster. All of it rejects with `StoreUnavailable` and keeps within the wait. */
export interface Connected {
  /** Runs the work as soon as there is a connection for each of its commands. */
  run<T>(work: (redis: Commands) => Promise<T>, waitMs?: number): Promise<T>;
  /** The answers of the servers that hold keys, without those that give none in time; one at least. */
  everywhere<T>(work: (redis: Redis) => Promise<T>, waitMs: number): Promise<T[]>;
  /** Writes the key, or one like it, to every server that holds keys. */
  ping(key: string): Promise<void>;
  /** Name of the server that has the key, as far as it is known. */
  partOf(key: string): string;
  /** Longest time one `run` takes, in milliseconds. */
  readonly waitMs: number;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** Longest time one `run` takes, in milliseconds; waiting for the connection included. */
  waitMs: number;
  /** Told of every connection error, for the log: about two a second for each server that is away. */
  onTrouble?: (error: Error) => void;
}

/** True for an error that a server answered with, so that what it was asked has not happened. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
