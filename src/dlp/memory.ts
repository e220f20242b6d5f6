import type { FindingsByName, Inspector, Labelled } from "./findings.js";
import { redact } from "./redact.js";

/** What is in texts. Each text is inspected, and redacted by all detectors, no more than once. */
export interface Memory {
  found(text: Labelled): FindingsByName;
  /** By all detectors, or by these. */
  redact(text: Labelled, names?: ReadonlySet<string>): string;
}

/** These texts are inspected at once, others when they are asked for. */
export function createMemory(inspector: Inspector, texts: readonly Labelled[]): Memory {
  const known = new Map<string, FindingsByName>();
  const redacted = new Map<string, string>();
  const keyOf = ({ text, label }: Labelled): string => `${label}\0${text}`;
  const distinct = [...new Map(texts.map((text) => [keyOf(text), text])).values()];
  for (const [i, found] of inspector.inspect(distinct).entries()) known.set(keyOf(distinct[i] as Labelled), found);

  const found = (text: Labelled): FindingsByName => {
    const findings = known.get(keyOf(text)) ?? inspector.inspect([text])[0];
    if (!findings) throw new Error("a text was not inspected");
    known.set(keyOf(text), findings);
    return findings;
  };
  const redactedByAll = (text: Labelled): string => {
    const result = redacted.get(keyOf(text)) ?? redact(text, found(text), inspector, () => true);
    redacted.set(keyOf(text), result);
    return result;
  };
  return {
    found,
    redact: (text, names) =>
      names ? redact(text, found(text), inspector, (name) => names.has(name)) : redactedByAll(text),
  };
}
