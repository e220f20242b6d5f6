import type { Peer } from "../call.js";
import type { CheckRequest } from "./check_request.js";

/**
 * Whom Envoy saw at the other end of the client's TLS connection, or `null` when it saw no certificate. Nothing of it is
 * interpreted here. It is Envoy's word, so it counts only where nobody else can ask in Envoy's place.
 */
export function peerOf(check: CheckRequest): Peer | null {
  const { principal, certificate } = check.attributes?.source ?? {};
  const peer = { principal: principal ?? "", certificate: certificate ?? "" };
  return peer.principal === "" && peer.certificate === "" ? null : peer;
}
