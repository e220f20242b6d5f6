import type { Redis } from "ioredis";
import { StoreUnavailable } from "../store.js";

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

/** Whoever asked for something in the form in which it is sent. Both throw, or reject, where nothing can be made of it. */
export interface Asker<T> {
  /** What the server says: a `Buffer`, or a list of them. What else it takes has to be done by `untilMs` (`performance.now()`). */
  read(reply: unknown, untilMs: number): T | Promise<T>;
  /** The server does not have the script, so nothing has run. */
  missing(untilMs: number): Promise<T>;
}

/** One server, or the nodes of a cluster. All of it rejects with `StoreUnavailable` and keeps within the wait. */
export interface Connected {
  /** Runs the work as soon as there is a connection for each of its commands. */
  run<T>(work: (redis: Commands) => Promise<T>, waitMs?: number): Promise<T>;
  /**
   * Sends one script's command as it is written already, in RESP; `null` where that cannot be, and `run` is the way. Keeps
   * to the wait of `waitMs`.
   */
  sendWritten<T>(frame: string, asker: Asker<T>): Promise<T> | null;
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

export function unavailable(error: unknown): StoreUnavailable {
  return error instanceof StoreUnavailable ? error : new StoreUnavailable(withoutCommand(error).message);
}

/** The client hangs the command on its errors, and that may hold the password or a call's parameters. */
export function withoutCommand(error: unknown): Error {
  return new Error(error instanceof Error ? error.message : String(error));
}
