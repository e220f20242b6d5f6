import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { isRefusal } from "../../src/archive/failure.js";
import { headsNameOf, readKey } from "../../src/archive/keys.js";
import { configSchema } from "../../src/config/schema.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/archive.md"), "utf8");
const sources = ["bucket_archive", "probe", "kept", "put", "receipt", "versions"].map((name) =>
  readFileSync(join(repository, `src/archive/${name}.ts`), "utf8"),
);

function block(language: string, n = 0): string {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))][n]?.[1] ?? "";
}

test("the configuration of the page loads", () => {
  const { audit } = configSchema.parse(parse(block("yaml")));
  expect(audit.s3).toMatchObject({ bucket: "audit", prefix: "production", retention_days: 365 });
});

/** Rights by what the server calls (AWS's Service Authorization Reference for S3). */
const rights: Record<string, string> = {
  getObjectLockConfiguration: "s3:GetBucketObjectLockConfiguration",
  getBucketVersioning: "s3:GetBucketVersioning",
  listObjectVersions: "s3:ListBucketVersions",
  putObject: "s3:PutObject",
  headObject: "s3:GetObjectVersion",
  getObject: "s3:GetObjectVersion",
  getObjectRetention: "s3:GetObjectRetention",
  putObjectRetention: "s3:PutObjectRetention",
  deleteObject: "s3:DeleteObjectVersion",
};

test("the policy of the page gives the rights to what the code calls, and deletion only to probes", () => {
  const called = sources.flatMap((text) => [...text.matchAll(/s3\.(\w+)\(/g)].map(([, name = ""]) => name));
  expect(new Set(called)).toEqual(new Set(Object.keys(rights)));
  const { Statement } = JSON.parse(block("json")) as { Statement: { Action: string | string[]; Resource: string }[] };
  const given = Statement.flatMap(({ Action, Resource }) =>
    [Action].flat().map((action) => [action, Resource] as const),
  );
  for (const right of Object.values(rights)) expect(given.map(([action]) => action)).toContain(right);
  expect(given.filter(([action]) => /Delete/.test(action))).toEqual([
    ["s3:DeleteObjectVersion", "arn:aws:s3:::audit/production/probe/*"],
  ]);
});

test("the keys of the page are what the code makes of them", () => {
  const keys = [...page.matchAll(/^<prefix>\/(\S+)/gm)].map(([, key = ""]) => readKey("", key));
  expect(keys.map((key) => key?.kind)).toEqual(["segment", "heads", undefined]);
  expect(keys[1]?.name).toBe(headsNameOf("2026-03-01T14:32:10.512Z"));
});

test("the receipt of the page has the members of one", () => {
  const members = /const receipt = \{(.*?)\};/s.exec(sources[4] ?? "")?.[1] ?? "";
  const written = [...members.matchAll(/^\s+(\w+)(?=[,:])/gm)].map(([, name]) => name);
  expect(Object.keys(JSON.parse(block("json", 1)))).toEqual(written);
});

test("the page explains every problem of a bucket", () => {
  const told = [...page.matchAll(/^\| `([a-z][^`]*)` \|/gm)].map(
    ([, words = ""]) => words.split("...")[0]?.trim() ?? "",
  );
  const wrongs = [...(sources[0] ?? "").matchAll(/#wrong\([\w.]+, ["`](.*?)["`]\)/g)].map(([, words = ""]) => words);
  const named = wrongs.filter((words) => !/delete marker|overwritten/.test(words));
  expect(named.every((words) => told.some((start) => start !== "" && words.startsWith(start)))).toBe(true);
  expect(told.filter((start) => wrongs.some((words) => words.startsWith(start)))).toHaveLength(named.length);
});

test.each<[string, object, boolean]>([
  ["a right that is missing", { name: "AccessDenied", $metadata: { httpStatusCode: 403 } }, true],
  ["another region", { name: "PermanentRedirect", $metadata: { httpStatusCode: 301 } }, true],
  ["no credentials", { name: "CredentialsProviderError" }, true],
  ["overload", { name: "SlowDown", $metadata: { httpStatusCode: 503 } }, false],
  ["too many requests", { name: "TooManyRequests", $metadata: { httpStatusCode: 429 } }, false],
  ["credentials that have just expired", { name: "ExpiredToken", $metadata: { httpStatusCode: 400 } }, false],
  ["no answer", { name: "Error", code: "ECONNREFUSED" }, false],
])("%s stops a start: %j %s", (_, error, stops) => {
  expect(isRefusal(Object.assign(new Error("x"), error))).toBe(stops);
});
