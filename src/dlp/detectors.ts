import { findAwsAccessKey } from "./detectors/aws_access_key.js";
import { findBase64 } from "./detectors/base64.js";
import { findCloudAccessKey } from "./detectors/cloud_access_key.js";
import { findEmail } from "./detectors/email.js";
import { findIban } from "./detectors/iban.js";
import { findJwt } from "./detectors/jwt.js";
import { findMrn } from "./detectors/mrn.js";
import { findNpi } from "./detectors/npi.js";
import { findPaymentCard } from "./detectors/payment_card.js";
import { findPhone } from "./detectors/phone.js";
import { findPrivateIp } from "./detectors/private_ip.js";
import { findPrivateKey } from "./detectors/private_key.js";
import { findSsh } from "./detectors/ssh.js";
import { findSsn } from "./detectors/ssn.js";
import { findUrl } from "./detectors/url.js";
import type { Find } from "./span.js";

/**
 * `data` must not leave, wherever in a call it stands. `payload` is what one parameter must not carry: nothing secret, so
 * it is looked for in parameters only, and never hidden.
 */
export type Kind = "data" | "payload";

export interface Detector {
  kind: Kind;
  find: Find;
}

/** Every detector there is, by the name that policies use. */
export const detectors: ReadonlyMap<string, Detector> = new Map<string, Detector>([
  ["email", { kind: "data", find: findEmail }],
  ["phone", { kind: "data", find: findPhone }],
  ["payment_card", { kind: "data", find: findPaymentCard }],
  ["iban", { kind: "data", find: findIban }],
  ["ssn", { kind: "data", find: findSsn }],
  ["npi", { kind: "data", find: findNpi }],
  ["mrn", { kind: "data", find: findMrn }],
  ["aws_access_key", { kind: "data", find: findAwsAccessKey }],
  ["cloud_access_key", { kind: "data", find: findCloudAccessKey }],
  ["private_key", { kind: "data", find: findPrivateKey }],
  ["jwt", { kind: "data", find: findJwt }],
  ["ssh", { kind: "payload", find: findSsh }],
  ["base64", { kind: "payload", find: findBase64 }],
  ["url", { kind: "payload", find: findUrl }],
  ["private_ip", { kind: "payload", find: findPrivateIp }],
]);
