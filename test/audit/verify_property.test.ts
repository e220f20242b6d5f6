import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { linkTo } from "../../src/audit/chain.js";
import { headsSuffix, sealHeads } from "../../src/audit/heads.js";
import { verifyFiles } from "../../src/audit/verify.js";
import type { Json } from "../../src/call.js";
import { runsWithin } from "../harness/property.js";
import { decisionDraft, keys, segment, writerName } from "./samples.js";
import { seal } from "./sealed.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "audit-property-"));
  await mkdir(join(dir, writerName));
});
afterAll(() => rm(dir, { recursive: true }));

const inputs = fc.array(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), { minLength: 2, maxLength: 8 });

describe.each(keys)("with %s", (_, key) => {
  function chain(given: readonly unknown[]): { content: Buffer; heads: Buffer } {
    const lines: string[] = [];
    for (const input of given) {
      const prev = lines.length === 0 ? null : linkTo(lines.at(-1) ?? "");
      lines.push(seal(decisionDraft(input as Json), { seq: lines.length + 1, prev, writer: writerName, key }));
    }
    const head = { writer: writerName, seq: lines.length, link: linkTo(lines.at(-1) ?? "") };
    const statement = { kind: "heads" as const, timestamp: "2026-01-02T03:04:05Z", writer: writerName, heads: [head] };
    return {
      content: Buffer.from(lines.map((line) => `${line}\n`).join("")),
      heads: Buffer.from(`${sealHeads(statement, key)}\n`),
    };
  }

  async function holds(content: Buffer, heads: Buffer): Promise<boolean> {
    await writeFile(join(dir, writerName, segment(1)), content);
    await writeFile(join(dir, `${writerName}${headsSuffix}`), heads);
    return (await verifyFiles([dir], [key])).problems.length === 0;
  }

  test("whatever was recorded holds, and no other bytes of it do", async () => {
    const cut = fc.record({ from: fc.nat(), to: fc.nat(), bytes: fc.uint8Array({ maxLength: 40 }) });
    await fc.assert(
      fc.asyncProperty(
        inputs,
        cut,
        fc.boolean(),
        runsWithin(20_000, async (given, { from, to, bytes }, inHeads) => {
          const { content, heads } = chain(given);
          expect(await holds(content, heads)).toBe(true);
          const target = inHeads ? heads : content;
          const [low = 0, high = 0] = [from % (target.length + 1), to % (target.length + 1)].sort((a, b) => a - b);
          const changed = Buffer.concat([target.subarray(0, low), bytes, target.subarray(high)]);
          fc.pre(!changed.equals(target));
          expect(await (inHeads ? holds(content, changed) : holds(changed, heads))).toBe(false);
        }),
      ),
      { numRuns: 150 },
    );
  });

  test("no other order or choice of its lines does", async () => {
    await fc.assert(
      fc.asyncProperty(
        inputs,
        fc.array(fc.nat(), { maxLength: 10 }),
        runsWithin(20_000, async (given, order) => {
          const { content, heads } = chain(given);
          const lines = String(content).split("\n").slice(0, -1);
          const other = Buffer.from(order.map((at) => `${lines[at % lines.length]}\n`).join(""));
          expect(await holds(other, heads)).toBe(other.equals(content));
        }),
      ),
      { numRuns: 150 },
    );
  });
});
