import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Json, Session } from "../call.js";
import { type Type, vocabulary } from "../policies/condition/vocabulary.js";
import { anyKeys } from "../policies/rule.js";
import { integrities, type ObservedSession, type SessionAttestation } from "../session.js";

const text = z.string().min(1);
/** YAML knows numbers that JSON does not. */
const json = z
  .unknown()
  .refine((value) => isDeepStrictEqual(copyOf(value), value), "has no JSON form") as z.ZodType<Json>;
const map = anyKeys(z.record(z.string().min(1), json));
const texts = anyKeys(z.record(z.string().min(1), z.string().nullable()));

const ofType: Record<Type, z.ZodType> = {
  string: text,
  number: z.number(),
  bool: z.boolean(),
  list: z.array(json),
  map,
  dyn: json,
  null: z.null(),
};

const count = z.int().min(0);
const names = z.array(text);
const integrity = z.enum(integrities);

/** Fields that are narrower than conditions need to know. */
const ofField: Readonly<Record<string, z.ZodType>> = {
  data_classification: names,
  integrity,
  session_integrity: integrity,
  anomalies: count,
  tools: names,
  calls: count,
  passed: count,
  refused: count,
};

/** What conditions may ask of a session is what may be said of one. */
function fieldsOf(name: "session" | "attestation") {
  const fields = Object.entries(vocabulary[name]?.fields ?? {});
  return z.strictObject(
    Object.fromEntries(fields.map(([field, type]) => [field, (ofField[field] ?? ofType[type]).nullish()])),
  );
}

type Said<T> = { [K in keyof T]?: T[K] | null };
const session = fieldsOf("session") as unknown as z.ZodType<Said<Required<Session> & ObservedSession>>;
const attestation = fieldsOf("attestation") as unknown as z.ZodType<
  Said<Required<Omit<SessionAttestation, "agent_id">>>
>;

/**
 * A call as people write it for the policy tools. Everything may be left out here, and `null` stands for leaving it out, so
 * that one description can be laid over another; `caseInput` says what a whole one needs.
 */
export const callSchema = z.strictObject({
  agent: z
    .union([
      text,
      z.strictObject({
        id: text.nullish(),
        model: text.nullish(),
        scopes: z.array(text).nullish(),
        roles: z.array(text).nullish(),
      }),
    ])
    .nullish()
    .describe("who calls: the agent's id, or a map with what is registered of it"),
  tool: text.nullish().describe("the tool's name in the catalogue"),
  action: text.nullish().describe("the action that the catalogue makes of the request"),
  unmatched: z
    .boolean()
    .nullish()
    .describe("true: no tool of the catalogue matched, so there is no tool and no action"),
  environment: text.nullish().describe("the environment; none when it is left out"),
  service: text.nullish().describe("the service; none when it is left out"),
  image: text.nullish().describe("the one image of the call"),
  images: z.array(text).nullish().describe("the images of the call"),
  params: map.nullish().describe("the parameters of the call"),
  destination: z
    .union([
      text,
      z.strictObject({
        host: text.nullish(),
        port: z.int().min(1).max(65_535).nullish(),
        scheme: z.enum(["http", "https"]).nullish(),
      }),
    ])
    .nullish()
    .describe("where the call goes, as host:port or as a map"),
  http: z
    .strictObject({
      method: text.nullish(),
      path: z.string().startsWith("/", "a path begins with /").nullish(),
      query: texts.nullish(),
      headers: texts.nullish(),
    })
    .nullish()
    .describe("the request as it came; the method is POST and the path / unless said"),
  facts: map.nullish().describe("what the token vouches for"),
  session: session
    .nullish()
    .describe("what is known of the session; when it is left out, nothing is, and no credential binds one"),
  attestation: attestation
    .nullish()
    .describe("the session attestation, where it says something else than what follows from the session"),
  approval: z
    .union([z.boolean(), z.strictObject({ id: text })])
    .nullish()
    .describe("true: the call brings an approval"),
  time: z
    .union([
      z.iso.datetime({ offset: true, error: "write a time as 2026-03-29T01:30:00Z" }),
      z.strictObject({ unix_ms: z.int() }),
    ])
    .nullish()
    .describe("when the call is made"),
});

export type WrittenCall = z.output<typeof callSchema>;

function copyOf(value: unknown): unknown {
  const copy = JSON.stringify(value);
  return copy === undefined ? undefined : JSON.parse(copy);
}
