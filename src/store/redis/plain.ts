import type { SessionState } from "../../session.js";
import { withUnbound } from "../sessions.js";
import type { SettleResult } from "../store.js";
import { textsIn, UnreadableReply } from "./forms.js";
import type { Place, Told } from "./place.js";
import { decodeSession } from "./session_codec.js";

const [comma, newline, zero, nine] = [0x2c, 0x0a, 0x30, 0x39];

/** The numbers of one reply, -1 for one that is not there. Read to the end before anything else runs. */
const numbers = new Float64Array(10);

/**
 * What plain-6.lua says. Throws on anything unexpected. The session is read only where it is another one than the last
 * time, apart from its three numbers: it nearly never is, and to read it took as long as all else of the reply.
 */
export function parsePlain(reply: Buffer, place: Place): SettleResult {
  const head = numbersIn(reply);
  const tatUs = numbers[2] as number;
  const lostAtMs = numbers[6] as number;
  const nowMs = countAt(0);
  const counters = {
    nowMs,
    charges: countAt(1),
    tatUs: tatUs < 0 ? null : tatUs,
    toolTatUs: null,
    day: countAt(3),
    spentMicro: countAt(4),
    sessionSpentMicro: 0,
    keptUntilMs: countAt(5),
    sessionKeptUntilMs: 0,
    lostAtMs: lostAtMs < 0 ? null : lostAtMs,
  };
  const session = sessionAt(countAt(7), countAt(8), countAt(9), toldIn(reply, head, place));
  const unbound = place.told?.unbound ?? null;
  return {
    replayed: false,
    session: unbound === null ? session : withUnbound(place.session, session, unbound),
    enforced: { outcome: "ok" },
    shadow: null,
    counters,
    warnings: [],
    approval: { outcome: "none" },
  };
}

/** Gives where the second line begins. */
function numbersIn(reply: Buffer): number {
  let found = 0;
  let digits = 0;
  let value = 0;
  for (let at = 0; at < reply.length; at++) {
    const byte = reply[at] as number;
    if (byte >= zero && byte <= nine) {
      // In brackets: the largest numbers are exact only so.
      value = value * 10 + (byte - zero);
      digits += 1;
      continue;
    }
    const ends = byte === newline;
    if (!(ends || byte === comma) || digits > 16 || value > Number.MAX_SAFE_INTEGER || found === numbers.length) break;
    numbers[found++] = digits === 0 ? -1 : value;
    if (ends && found === numbers.length) return at + 1;
    if (ends) break;
    digits = 0;
    value = 0;
  }
  throw new UnreadableReply("the store was to give ten numbers");
}

function countAt(at: number): number {
  const count = numbers[at] as number;
  if (count >= 0) return count;
  throw new UnreadableReply("the store was to give a number");
}

function toldIn(reply: Buffer, from: number, place: Place): Told {
  const { told } = place;
  const length = reply.length - from;
  if (told !== null && told.written.length === length && reply.compare(told.written, 0, length, from) === 0)
    return told;
  const [own, unbound, ...more] = reply.toString("utf8", from).split("\n");
  if (own === undefined || unbound === undefined || more.length > 0) {
    throw new UnreadableReply("the store was to give two sessions");
  }
  const session = decodeSession(withNumbers(textsIn(JSON.parse(own))));
  if (session === null) throw new UnreadableReply("the store was to give a session");
  place.told = {
    own: session,
    unbound: unbound === "" ? null : decodeSession(textsIn(JSON.parse(unbound))),
    // The reply is a part of all that came at once.
    written: Buffer.from(reply.subarray(from)),
  };
  return place.told;
}

/** The three that are told by themselves are there without a value. */
function withNumbers(fields: readonly string[]): readonly string[] {
  return fields.map((text, at) => (at % 2 === 1 && varying.includes(fields[at - 1] ?? "") ? "0" : text));
}

const varying: readonly string[] = ["last_ms", "calls", "passed"];

/** Member by member: to spread it costs several times as much. What it shares with the others before it is never changed. */
function sessionAt(lastMs: number, calls: number, passed: number, { own }: Told): SessionState {
  const { known, startedMs, refused, classification, tools, indicators, anomalies, recent, outside } = own;
  return {
    known,
    startedMs,
    lastMs,
    calls,
    passed,
    refused,
    classification,
    tools,
    indicators,
    anomalies,
    recent,
    outside,
  };
}
