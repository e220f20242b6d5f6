/** What a member of a class weighs that stands for hundreds of ranges of letters: `\p{L}` and its like. */
const wideWeight = 200;
/** Of everything else: one letter, one class, one assertion. */
const plainWeight = 1;
/** Ignoring case makes classes of letters. */
const foldedFactor = 3;

const counted = /^\{(\d+)(,(\d*))?\}/;
const wide = /\\[pP](?:\{[^}]*\}|.)/g;

/**
 * About how many instructions RE2 makes of a pattern, which is what preparing it costs: counted repetitions are written out
 * (https://github.com/google/re2/wiki/Syntax). The pattern has to be one that RE2 accepts.
 */
export function patternWeight(pattern: string): number {
  const reader = new Reader(pattern);
  const weight = reader.alternatives();
  return /\(\?[a-z]*i/.test(pattern) ? weight * foldedFactor : weight;
}

class Reader {
  #at = 0;

  constructor(private readonly pattern: string) {}

  /** Up to the end of the group, or of the pattern. */
  alternatives(): number {
    let sum = 0;
    while (this.#at < this.pattern.length && this.pattern[this.#at] !== ")") {
      if (this.pattern[this.#at] === "|") this.#at += 1;
      else sum += this.#repeated();
    }
    return sum;
  }

  #repeated(): number {
    let weight = this.#one();
    for (let times = this.#times(); times !== null; times = this.#times()) weight *= times;
    return weight;
  }

  /** How often what came before is written out; `null` when nothing repeats it. */
  #times(): number | null {
    const [whole, least, comma, most] = counted.exec(this.pattern.slice(this.#at, this.#at + 16)) ?? [];
    if (whole !== undefined) {
      this.#at += whole.length;
      return Math.max(1, Number(most || least) + (comma !== undefined && !most ? 1 : 0));
    }
    if (!"*+?".includes(this.pattern[this.#at] ?? " ")) return null;
    this.#at += 1;
    return 1;
  }

  #one(): number {
    const rest = this.pattern.slice(this.#at);
    const [opening] = /^\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*:|[a-zA-Z-]*(?=\))))?/.exec(rest) ?? [];
    if (opening !== undefined) {
      this.#at += opening.length;
      const weight = this.alternatives();
      this.#at += 1;
      return weight;
    }
    if (rest.startsWith("\\Q"))
      return this.#skip(rest.indexOf("\\E", 2) < 0 ? rest.length : rest.indexOf("\\E", 2) + 2);
    const [taken] =
      /^\[\^?\]?(?:\\[pP]\{[^}]*\}|\\.|\[:[^\]]*:\]|[^\]\\])*\]|^\\[pPx]\{[^}]*\}|^\\[pP].|^\\[\s\S]|^[\s\S]/.exec(
        rest,
      ) ?? [""];
    return this.#skip(taken.length);
  }

  /** Weighs what stands here, so many characters of it, and goes on behind it. */
  #skip(length: number): number {
    const taken = this.pattern.slice(this.#at, this.#at + Math.max(1, length));
    this.#at += taken.length;
    return taken.startsWith("\\Q") ? taken.length : plainWeight + (taken.match(wide)?.length ?? 0) * wideWeight;
  }
}
