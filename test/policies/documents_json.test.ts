import fc from "fast-check";
import type { AgentDocument } from "../../src/policies/document.js";
import { policiesBytes, policiesJson } from "../../src/policies/documents_json.js";
import { atOnce } from "../../src/slices.js";

const text = fc.string({ unit: "grapheme" });
const documents = fc
  .uniqueArray(fc.tuple(text, fc.nat(3)), { selector: ([id]) => id, maxLength: 20 })
  .chain((ids) =>
    fc
      .array(fc.dictionary(text, text), { minLength: 4, maxLength: 4 })
      .map((said) => new Map(ids.map(([id, at]) => [id, said[at] as unknown as AgentDocument]))),
  );

test("the length of policies is known before they are written", () => {
  fc.assert(
    fc.property(documents, (all) => {
      let written = "";
      for (const piece of { [Symbol.iterator]: () => policiesJson(all) }) written += piece;
      expect(Object.keys(JSON.parse(written))).toHaveLength(all.size);
      expect(atOnce(policiesBytes(all))).toBe(Buffer.byteLength(written));
    }),
  );
});
