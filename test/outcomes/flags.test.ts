import { readFileSync } from "node:fs";
import { join } from "node:path";
import { httpEntries } from "../../src/grpc/load_protos.js";
import { flagsOf, shortFlags } from "../../src/outcomes/flags.js";
import { accessLogVectors, entryOf } from "../grpc/access_log_stream.js";
import { protos } from "../grpc/harness.js";
import { repository } from "../harness/programs.js";

const flags = (raised: object) =>
  entryOf("01J9ZQ3V6C5R8N2K4M7P0T1S6Y", { common: { response_flags: raised } }).common_properties?.response_flags ??
  null;

test("each flag of the protocol has a short name of its own", () => {
  const bytes = accessLogVectors().get("every flag") ?? Buffer.alloc(0);
  const [entry] = [...httpEntries(bytes)].map((one) => protos.accessLog.decodeEntry(Buffer.from(one)));
  expect(flagsOf(entry?.common_properties?.response_flags ?? null)).toEqual(Object.values(shortFlags));
  expect(new Set(Object.values(shortFlags)).size).toBe(27);
});

test("only what is raised is named", () => {
  expect(flagsOf(null)).toEqual([]);
  expect(flagsOf(flags({}))).toEqual([]);
  expect(flagsOf(flags({ downstream_connection_termination: true, upstream_request_timeout: true }))).toEqual([
    "UT",
    "DC",
  ]);
});

test("docs/outcomes.md names every flag", () => {
  const page = readFileSync(join(repository, "docs/outcomes.md"), "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith("Flags\n")) ?? "";
  expect([...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, flag]) => flag)).toEqual(Object.values(shortFlags));
});
