/** What clocks on the wall show. `day` is 0 for Sunday, `minute` counts from local midnight. */
export interface LocalTime {
  day: number;
  minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** The local time of an IANA zone, daylight saving included (ECMA-402). Throws `RangeError` for an unknown zone. */
export function localTime(zone: string, unixMs: number): LocalTime {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(unixMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = days.indexOf(parts.weekday ?? "");
  const minute = Number(parts.hour) * 60 + Number(parts.minute);
  if (day < 0 || !Number.isInteger(minute)) throw new RangeError(`no local time for ${zone}`);
  return { day, minute };
}

/** Zones come from policies, so there are few. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    calendar: "gregory",
    numberingSystem: "latn",
  });
  formats.set(zone, made);
  return made;
}
