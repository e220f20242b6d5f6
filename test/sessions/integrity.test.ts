import type { SessionState } from "../../src/session.js";
import { integrityOf } from "../../src/sessions/integrity.js";

const attested = (integrity: "clean" | "suspect" | "compromised") => ({ seenMs: 1, integrity, anomalies: false });

test.each<[string, Pick<SessionState, "indicators" | "outside">, string]>([
  ["nothing", { indicators: {}, outside: null }, "clean"],
  ["counts of nothing", { indicators: { unknown_tool: 0 }, outside: null }, "clean"],
  ["one indicator", { indicators: { unknown_tool: 1 }, outside: null }, "suspect"],
  ["one kind four times", { indicators: { unknown_tool: 4 }, outside: null }, "suspect"],
  ["one kind five times", { indicators: { unknown_tool: 5 }, outside: null }, "compromised"],
  ["two kinds", { indicators: { unknown_tool: 1, prompt_injection: 1 }, outside: null }, "compromised"],
  ["a clean attestation", { indicators: {}, outside: attested("clean") }, "clean"],
  ["a suspect attestation", { indicators: {}, outside: attested("suspect") }, "suspect"],
  ["a compromised attestation", { indicators: {}, outside: attested("compromised") }, "compromised"],
  [
    "a clean attestation beside an indicator",
    { indicators: { scope_exceeded: 1 }, outside: attested("clean") },
    "suspect",
  ],
])("%s: %s", (_, state, integrity) => {
  expect(integrityOf(state)).toBe(integrity);
});
