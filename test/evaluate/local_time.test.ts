import fc from "fast-check";
import { localTime } from "../../src/evaluate/local_time.js";

const at = (zone: string, time: string) => {
  const { day, minute } = localTime(zone, Date.parse(time));
  return `${day} ${Math.floor(minute / 60)}:${minute % 60}`;
};

test.each([
  ["UTC", "2026-03-01T00:00:00Z", "0 0:0"],
  ["UTC", "2026-02-28T23:59:59Z", "6 23:59"],
  ["Asia/Kolkata", "2026-03-01T20:00:00Z", "1 1:30"],
  ["America/Los_Angeles", "2026-03-01T07:59:00Z", "6 23:59"],
  // Europe/Berlin goes from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
  ["Europe/Berlin", "2026-03-29T00:59:59Z", "0 1:59"],
  ["Europe/Berlin", "2026-03-29T01:00:00Z", "0 3:0"],
  ["Europe/Berlin", "2026-10-25T00:30:00Z", "0 2:30"],
  ["Europe/Berlin", "2026-10-25T01:30:00Z", "0 2:30"],
  ["Europe/Berlin", "2026-10-25T02:00:00Z", "0 3:0"],
])("in %s at %s it is %s", (zone, time, wanted) => expect(at(zone, time)).toBe(wanted));

test("UTC is what Date says", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }), (date) => {
      expect(localTime("UTC", date.getTime())).toEqual({
        day: date.getUTCDay(),
        minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
      });
    }),
  );
});

test("a zone that there is not has no time", () => expect(() => localTime("Mars/Olympus", 0)).toThrow(RangeError));
