import { link, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readLine, type Sealed } from "../../src/audit/chain.js";
import { openHeads } from "../../src/audit/file_source.js";
import { type AuditReport, formatAuditProblem, verifyFiles } from "../../src/audit/verify.js";
import { findGoVerifier } from "../harness/find_go_verifier.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { tell } from "../harness/programs.js";
import { type LargeChain, largeChain, makeFolder } from "./large_chain.js";
import { Chance } from "./random.js";
import { ed25519 } from "./samples.js";
import { type Answer, type Asked, askOnce, placesOf, SecondVerifier } from "./second_verifier.js";
import { Copy, type Place } from "./tamper.js";
import { tamperings } from "./tamperings.js";

/** A long chain with a few tries of each kind, and many tries on a shorter one. */
const runs = [
  { records: 10_000, most: 3 },
  { records: 1_500, most: Number.POSITIVE_INFINITY },
];
const seed = Number(process.env.TAMPER_SEED ?? Date.now() % 2 ** 32);

const go = await requirePart("the second verifier", findGoVerifier);

let base: LargeChain;
let kept: string;
let keyFile: string;

/** The same bytes hold every time: of the lines of 1,000 copies all are read, and each signature is checked once. */
const good = new Map<string, Sealed>();
const remembering: typeof readLine = (line, keys) => {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length).toString("latin1");
  const known = good.get(bytes) ?? readLine(line, keys);
  good.set(bytes, known);
  return known;
};

/** Writes a copy to disk; what was not touched is a link. */
async function lay(copy: Copy, dir: string): Promise<void> {
  for (const [name, bytes] of copy.files) {
    await makeFolder(dirname(join(dir, name)));
    const untouched = base.files.get(name) === bytes;
    await (untouched ? link(join(base.dir, name), join(dir, name)) : writeFile(join(dir, name), bytes));
  }
}

async function first(copy: Copy, dir: string, read: typeof readLine): Promise<AuditReport> {
  const heads = copy.keptHeads ? { heads: await openHeads([kept]) } : {};
  return verifyFiles([dir], [ed25519], { ...heads, requireHeads: copy.requireHeads, read });
}

function asked(copy: Copy, dir: string): Asked {
  return { paths: [dir], require_heads: copy.requireHeads, ...(copy.keptHeads && { heads: [kept] }) };
}

interface Found {
  ts: AuditReport;
  go: Answer;
}

/** Why this is not what was to be found; nothing when all is well. */
function missed({ ts, go: other }: Found, place: Place, dir: string): string[] {
  const wanted = `${join(dir, place.file)}:${place.line}:`;
  const [ours, theirs] = [placesOf(ts.problems), placesOf(other.problems)];
  return [
    ...(other.error === undefined ? [] : [other.error]),
    ...(ours.some((found) => found.startsWith(wanted)) ? [] : [`not found at ${wanted} but at ${ours.slice(0, 3)}`]),
    ...(JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [`the second verifier says ${theirs.slice(0, 3)}`]),
  ];
}

describeWith(go, "tampering with a chain", (program) => {
  describe.each(runs)("of $records records", ({ records, most }) => {
    beforeAll(async () => {
      good.clear();
      base = await largeChain(records, ed25519, seed);
      kept = join(dirname(base.dir), "kept", base.headsFile);
      keyFile = join(dirname(base.dir), "audit.jwk");
      await makeFolder(dirname(kept));
      await link(join(base.dir, base.headsFile), kept);
      await writeFile(
        keyFile,
        JSON.stringify({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
      );
    }, 300_000);
    afterAll(() => base?.remove());

    test("holds for both verifiers as it is", async () => {
      const report = await verifyFiles([base.dir], [ed25519], { requireHeads: true });
      expect(report.problems).toEqual([]);
      expect(report.writers).toMatchObject([{ writer: base.writer, records, lastSeq: records }]);
      expect(report.writers[0]?.files.length).toBeGreaterThanOrEqual(5);
      expect(await askOnce(program(), [keyFile], { paths: [base.dir], require_heads: true })).toEqual({
        ok: true,
        problems: [],
      });
    });

    test("every tampering is found by both verifiers, where it is", async () => {
      const second = new SecondVerifier(program(), [keyFile]);
      const wrong: string[] = [];
      const rows: { tampering: string; tried: number; found: number }[] = [];
      let number = 0;
      for (const [kind, { tries: all, tamper }] of Object.entries(tamperings)) {
        const tries = Math.min(all, most);
        let found = 0;
        for (let i = 0; i < tries; i++) {
          const chance = new Chance(seed + ++number);
          const copy = new Copy(base, chance);
          const place = tamper(copy);
          const dir = join(dirname(base.dir), `copy-${number}`);
          await lay(copy, dir);
          const [theirs, ours] = await Promise.all([second.ask(asked(copy, dir)), first(copy, dir, remembering)]);
          const reasons = missed({ ts: ours, go: theirs }, place, dir);
          if (reasons.length === 0) found += 1;
          wrong.push(...reasons.map((why) => `${kind}, number ${number}: ${why}`));
          // The first of a kind is checked again by verifiers that remember nothing, with the same result.
          if (i === 0) {
            expect(await first(copy, dir, readLine)).toEqual(ours);
            expect(await askOnce(program(), [keyFile], asked(copy, dir))).toEqual(theirs);
          }
          await rm(dir, { recursive: true });
        }
        rows.push({ tampering: kind, tried: tries, found });
      }
      await second.close();
      tell(`seed ${seed} (TAMPER_SEED): ${number} tamperings of ${records} records in ${base.files.size - 1} segments`);
      for (const { tampering, tried, found } of rows) tell(`  ${String(found).padStart(4)} of ${tried}  ${tampering}`);
      expect(wrong).toEqual([]);
      expect(number).toBeGreaterThanOrEqual(most > 1_000 ? 1_000 : 100);
    }, 1_800_000);

    describe("what files alone cannot show", () => {
      test.each<[string, (copy: Copy) => void]>([
        [
          "records that were cut off after the newest statement",
          (copy) => {
            copy.olderHeads();
            const file = copy.last();
            copy.write(file, copy.lines(file).slice(0, -50));
          },
        ],
        ["an older statement alone", (copy) => copy.olderHeads()],
      ])("%s", async (_, change) => {
        const copy = new Copy(base, new Chance(seed));
        change(copy);
        const dir = join(dirname(base.dir), "unseen");
        await lay(copy, dir);
        expect((await first(copy, dir, remembering)).problems.map(formatAuditProblem)).toEqual([]);
        expect(await askOnce(program(), [keyFile], asked(copy, dir))).toEqual({ ok: true, problems: [] });
        copy.keptHeads = true;
        const { problems } = await first(copy, dir, remembering);
        expect(problems).not.toEqual([]);
        expect(placesOf((await askOnce(program(), [keyFile], asked(copy, dir))).problems)).toEqual(placesOf(problems));
        await rm(dir, { recursive: true });
      });
    });
  });
});
