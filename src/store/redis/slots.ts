import { Command } from "ioredis";
import { z } from "zod";
import { nameOf } from "./address.js";
import type { CommandName } from "./commands.js";

/** Names of the primaries that serve the slots, by slot. */
export type SlotMap = Map<number, string>;

/** Where a node sends us on to; nothing of the command has run. */
export type Redirect =
  | { kind: "moved"; slot: number; node: string }
  /** This one time, since the slot is on its way there. */
  | { kind: "ask"; node: string }
  /** The keys of the slot are on two nodes. */
  | { kind: "tryagain" };

/** Redis Cluster specification, "Key distribution model". */
const slotCount = 16_384;

/** Keys that are tried until each node has one. Who serves a handful of slots may go without. */
const maxTries = 1_000;

const slot = z
  .int()
  .min(0)
  .max(slotCount - 1);
const endpoint = z.tuple([z.string().nullable(), z.int().min(1).max(65_535)], z.unknown());
const slotsReply = z.array(z.tuple([slot, slot, endpoint], z.unknown()));

const redirectForm = /^(MOVED|ASK) (\d{1,5}) (\S*):(\d{1,5})/;

/** The slot of a command's first key; that others are in the same is what the names of keys are made for. */
export function slotOf(name: CommandName, args: readonly (string | number)[]): number {
  return new Command(name, [...args]).getSlot();
}

/** What `CLUSTER SLOTS` says. `askedHost` stands in where the node does not know the name that leads to it. */
export function parseSlots(reply: unknown, askedHost: string): SlotMap {
  const map: SlotMap = new Map();
  for (const [first, last, [host, port]] of slotsReply.parse(reply)) {
    if (host === "?") continue;
    const node = nameOf({ host: host || askedHost, port });
    for (let n = first; n <= last; n++) map.set(n, node);
  }
  return map;
}

/** A key for each node: the given one, or one with a number behind it, in a slot of the node. */
export function keyForEach(map: SlotMap, key: string): string[] {
  const left = new Set(map.values());
  const keys: string[] = [];
  for (let n = 0; n < maxTries && left.size > 0; n++) {
    const numbered = n === 0 ? key : `${key}:${n}`;
    const owner = map.get(slotOf("set", [numbered]));
    if (owner !== undefined && left.delete(owner)) keys.push(numbered);
  }
  return keys;
}

/** `null` for any other error. */
export function redirectOf(error: Error, askedHost: string): Redirect | null {
  if (error.message.startsWith("TRYAGAIN ")) return { kind: "tryagain" };
  const [, kind, slot, host, port] = redirectForm.exec(error.message) ?? [];
  if (kind === undefined || host === "?") return null;
  const node = nameOf({ host: host || askedHost, port: Number(port) });
  return kind === "ASK" ? { kind: "ask", node } : { kind: "moved", slot: Number(slot), node };
}
