import { z } from "zod";
import type { Slot } from "../document.js";
import { rule } from "../rule.js";
import { ruleKey } from "./rule_key.js";

/** In the order of `Date.prototype.getUTCDay`. */
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const dayForm = /^(sun|mon|tue|wed|thu|fri|sat)(-(sun|mon|tue|wed|thu|fri|sat))?$/;
const hoursForm = /^([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)$/;
const minutesOfDay = 1_440;

const window = z.strictObject({
  days: z.array(z.string().regex(dayForm, "a day is mon, or mon-fri")).min(1).optional(),
  hours: z
    .string()
    .regex(hoursForm, { error: "hours are 09:00-17:30, or 22:00-06:00 across midnight", abort: true })
    .refine((text) => text.slice(0, 5) !== text.slice(6), "begins where it ends; leave `hours` out for whole days")
    .optional(),
});

/** A name of the IANA time zone database (RFC 6557), as far as this runtime knows it. */
const zone = z.string().refine((name) => {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}, "not an IANA time zone such as Europe/Berlin");

const form = z
  .strictObject({
    time_zone: zone.default("UTC"),
    allow: z.array(window).min(1).optional(),
    deny: z.array(window).min(1).optional(),
  })
  .refine(
    ({ allow, deny }) => allow !== undefined || deny !== undefined,
    "name the times to `allow`, to `deny`, or both",
  );

/** `windows`: the local time of the call is within a window to allow, and in none to deny. */
export const windows = ruleKey(
  rule(form, "local times at which the action is permitted or blocked"),
  ({ value: { time_zone: zone, allow, deny }, ...standing }) => [
    ...(allow ? [{ kind: "window_allow", zone, slots: allow.flatMap(slotsOf), standing } as const] : []),
    ...(deny ? [{ kind: "window_deny", zone, slots: deny.flatMap(slotsOf), standing } as const] : []),
  ],
);

function slotsOf({ days, hours }: z.output<typeof window>): Slot[] {
  const [from, to] = hours === undefined ? [0, minutesOfDay] : hours.split("-").map(minuteOf);
  if (from === undefined || to === undefined) throw new Error("hours without a beginning or an end");
  return (days ?? ["sun-sat"]).flatMap(daysOf).flatMap((day) => {
    if (from < to) return [{ day, from, to }];
    // Across midnight the day named is the one on which the window begins.
    const rest = to > 0 ? [{ day: (day + 1) % 7, from: 0, to }] : [];
    return [{ day, from, to: minutesOfDay }, ...rest];
  });
}

function minuteOf(text: string): number {
  const [hours, minutes] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/** `fri-mon` is Friday to Monday. */
function daysOf(text: string): number[] {
  const [first = "", last = first] = text.split("-");
  const from = weekdays.indexOf(first);
  const count = (weekdays.indexOf(last) - from + 7) % 7;
  return Array.from({ length: count + 1 }, (_, i) => (from + i) % 7);
}
