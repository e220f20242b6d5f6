import { z } from "zod";
import { durationField as duration } from "../files/duration_field.js";

const path = z.string("write a path").min(1, "write a path");

const mebibyte = 1024 * 1024;

/** A key prefix as S3 takes it: without a slash at either end. */
const prefixForm = "write letters, digits and -_./ without a slash at either end, for example audit/production";

/** Object storage that nobody can delete from. Credentials come from where the AWS SDK looks for them. */
const s3 = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "write the name of a bucket")
    .describe("the bucket; it must have Object Lock"),
  endpoint: z
    .url({ protocol: /^https?$/, error: "write an http:// or https:// URL" })
    .optional()
    .describe("URL of an S3 server other than AWS"),
  region: z.string().min(1).max(64).default("us-east-1").describe("region of the bucket"),
  prefix: z
    .string()
    .max(512)
    .regex(/^$|^(?!.*\/\/)[A-Za-z0-9_.-]([A-Za-z0-9_./-]*[A-Za-z0-9_.-])?$/, prefixForm)
    .default("")
    .describe("what the keys of all objects begin with"),
  retention_days: z
    .int()
    .min(1)
    .max(36_500)
    .default(365)
    .describe("so many days nobody can delete an object or shorten its retention (Object Lock, COMPLIANCE)"),
  path_style: z
    .boolean()
    .optional()
    .describe("`true` names the bucket in the path, not in the host; the default with `endpoint`"),
});

/** The audit trail: where records are, how they are written, and what becomes of them. */
export const audit = z.strictObject({
  dir: path.default("./var/audit").describe("folder of the records"),
  key_file: path.default("./var/audit.jwk").describe("JWK that signs records, and nothing else"),
  accepted_keys: z
    .array(path)
    .default([])
    .describe("JWKs that signed records before: with them a chain goes on under a new `key_file`"),
  durability: z
    .enum(["write", "fsync"])
    .default("write")
    .describe("`write`: a record survives the process; `fsync`: it survives the machine"),
  segment: z
    .strictObject({
      max_bytes: z
        .int()
        .min(mebibyte)
        .max(1024 * mebibyte)
        .default(64 * mebibyte)
        .describe("a segment ends before it would be larger, in bytes"),
      max_age: duration("1s", "7d").prefault("15m").describe("a segment with records ends when it is older"),
    })
    .prefault({}),
  heads_every: duration("1s", "1h").prefault("1m").describe("how often the ends of all chains are stated and signed"),
  refusals: z
    .strictObject({
      whole: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(300)
        .describe("so many refused calls of one agent have a record each; further ones are counted"),
      within: duration("1s", "1h").prefault("1m").describe("within so long"),
    })
    .prefault({}),
  s3: s3.optional(),
});
