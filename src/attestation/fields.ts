import { z } from "zod";
import { integrities } from "../session.js";

/** Header in which an attestation comes with a call. */
export const attestationHeader = "x-session-attestation";

/** JWS header `typ` of an attestation; it keeps attestations apart from tokens that the same key may sign. */
export const attestationType = "session-attestation+jwt";

/** `aud` of an attestation: whoever decides about calls of the session. */
export const attestationAudience = "urn:countersign:session-attestation";

/** Longest header value that is looked at, in bytes. */
export const maxAttestationBytes = 16_384;

/** Kinds of data that one attestation may name. */
const maxClassifications = 64;
/** Facts that one attestation may state, whatever is in them. */
const maxFacts = 64;

const text = z.string().regex(/^[^\p{Cc}\p{Cf}]{1,256}$/u);
const facts = z.record(z.string().min(1).max(128), z.json());

/** RFC 3339 in UTC, with seconds; a leap second is none that the clock here knows. */
const instant = z.iso
  .datetime({ offset: true, abort: true })
  .regex(/T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)$/, "must be RFC 3339 in UTC, with seconds");

/** What an attestation says, whichever form it has. Other members mean nothing and are ignored. */
export const attestationFields = z.object({
  session_id: z.string().regex(/^[!-~]{1,160}$/),
  agent_id: z.string().exactOptional(),
  /** The same as `agent_id`, by its name in JWTs (RFC 7519 section 4.1.2). */
  sub: z.string().exactOptional(),
  workflow_run_id: text.exactOptional(),
  initiated_by: text.exactOptional(),
  role: text.exactOptional(),
  clearance: text.exactOptional(),
  data_classification: z.array(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/)).max(maxClassifications),
  anomalies_detected: z.boolean(),
  session_integrity: z.enum(integrities),
  signed_at: instant,
  facts: facts.refine((given) => Object.keys(given).length <= maxFacts, `has more than ${maxFacts}`).exactOptional(),
  aud: z.union([z.string(), z.array(z.string())]).exactOptional(),
  /** Seconds since the Unix epoch; no grace. */
  exp: z.number().exactOptional(),
  /** Seconds since the Unix epoch. */
  nbf: z.number().exactOptional(),
});

export type AttestationFields = z.infer<typeof attestationFields>;
