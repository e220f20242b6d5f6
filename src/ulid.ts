import { randomInteger } from "./random.js";

/** Crockford's base32. */
const digits = [..."0123456789ABCDEFGHJKMNPQRSTVWXYZ"];
/** Two digits at a time: an id is put together of 13 pieces instead of 26. */
const pairs = digits.flatMap((first) => digits.map((second) => first + second));

/** 40 bits, which are 8 digits. */
const half = 2 ** 40;
/** 10 bits. */
const pair = 2 ** 10;

/**
 * Makes ULIDs (github.com/ulid/spec): 26 characters, 48 bits of milliseconds and 80 random ones. Each sorts behind the one
 * before, as the specification's monotonic ids do: within one millisecond, or when the clock goes back, the random part
 * grows by one. `now` gives milliseconds since the Unix epoch, `random` an integer of so many unpredictable bytes.
 */
export function ulidFactory(now: () => number, random: (bytes: 5) => number = randomInteger): () => string {
  let lastMs = -1;
  let time = "";
  let [upper, lower] = [0, 0];

  const begin = (ms: number): void => {
    lastMs = ms;
    time = pairOf(ms / pair ** 4) + pairOf(ms / pair ** 3) + pairOf(ms / pair ** 2) + pairOf(ms / pair) + pairOf(ms);
    upper = random(5);
    lower = random(5);
  };

  return () => {
    const ms = now();
    if (ms > lastMs) begin(ms);
    else if (++lower === half) {
      lower = 0;
      // The next millisecond has room again.
      if (++upper === half) begin(lastMs + 1);
    }
    return time + eightDigits(upper) + eightDigits(lower);
  };
}

function eightDigits(value: number): string {
  return pairOf(value / pair ** 3) + pairOf(value / pair ** 2) + pairOf(value / pair) + pairOf(value);
}

/** The lowest ten bits of the whole part. */
function pairOf(value: number): string {
  return pairs[Math.floor(value) % pair] as string;
}
