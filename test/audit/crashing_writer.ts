/** Run by `crash.test.ts`: appends until it is killed, and prints each number after its record was acknowledged. */
import { openWriter } from "../../src/audit/writer.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";

const key = await signingKeyOf({
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
});
const sink = await openWriter({
  dir: String(process.argv[2]),
  worker: 1,
  key,
  durability: "write",
  maxSegmentBytes: 20_000,
});

for (let number = 1; ; number++) {
  await sink.append({
    kind: "policy",
    timestamp: new Date().toISOString(),
    event: "loaded",
    policy_version: null,
    previous_version: null,
    files: [],
    detail: String(number),
  });
  process.stdout.write(`${number}\n`);
}
