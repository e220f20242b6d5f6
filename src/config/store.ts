import { z } from "zod";
import { durationField as duration } from "../files/duration_field.js";

/** Of a file. */
const path = z.string("write a path").min(1, "write a path");

const urlForm =
  "write memory:, redis://host:port/database or rediss://host:port/database, {url, tls} or {cluster, ...}";

const redisUrl = z.string(urlForm).regex(/^rediss?:\/\/./, urlForm);

const node = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, { error: "write host:port of a node", abort: true })
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "a port is at most 65535");

const tls = z
  .strictObject({
    ca_file: path.optional().describe("PEM of the certificate authority; without it those that Node trusts"),
    cert_file: path.optional().describe("PEM of the client's certificate, where the server asks for one"),
    key_file: path.optional().describe("PEM of its key"),
  })
  .refine(({ cert_file, key_file }) => (cert_file === undefined) === (key_file === undefined), {
    message: "`cert_file` and `key_file` come together",
  });

const single = z
  .strictObject({ url: redisUrl, tls: tls.optional() })
  .refine(({ url, tls }) => tls === undefined || url.startsWith("rediss:"), {
    path: ["tls"],
    message: "only for a rediss:// URL",
  });

const cluster = z
  .strictObject({
    cluster: z.array(node).min(1, "name at least one node").describe("nodes to ask first; they tell of the others"),
    username: z.string().min(1).optional().describe("ACL user"),
    password_file: path.optional().describe("file with the password"),
    tls: z
      .union([z.literal(true), tls])
      .optional()
      .describe("TLS to every node: `true`, or `{ca_file, cert_file, key_file}`"),
  })
  .refine(({ username, password_file }) => username === undefined || password_file !== undefined, {
    path: ["password_file"],
    message: "missing: a user has a password",
  });

/** Where limits, approvals and sessions live. A text in braces is a map that came from the environment. */
export const storePlace = z.union([z.literal("memory:"), redisUrl, single, cluster], { error: urlForm });

export const onStoreFailure = z.union(
  [
    z.literal("deny"),
    z.strictObject({
      local: z.number().gt(0).max(1).describe("share of each limit that one process gives out by itself"),
      for: duration("1s", "1d")
        .prefault("15m")
        .describe("how long a process goes on that cannot hear which agents were disabled and which tokens revoked"),
    }),
  ],
  { error: "write `deny`, or {local: 0.2} for that share of each limit in each process" },
);

export type StorePlace = z.output<typeof storePlace>;
