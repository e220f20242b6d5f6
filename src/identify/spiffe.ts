import { X509Certificate } from "node:crypto";
import type { Identity, Peer } from "../call.js";
import { Refusal } from "../refusal.js";
import { parseSpiffeId } from "../registry/spiffe_id.js";
import { active, type CredentialKind, type IdentifyContext } from "./credential.js";

const none: readonly string[] = Object.freeze([]);
const scheme = "spiffe://";
/** Longest certificate that is looked at, in characters of its URL-encoded PEM. Those of workloads have two thousand. */
const longestCertificate = 32_768;
/** One certificate and nothing around it (RFC 7468 section 5). */
const pemForm = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?$/;
/** DER of the extension's identifier, 2.5.29.17. */
const subjectAltName = Buffer.from("0603551d11", "hex");
/** Kinds of names as OpenSSL writes them. A value in quotes has characters that could make one name look like two. */
const plainName = /^(DNS|URI|IP Address|email|Registered ID|othername):([!#-+\--~]*)$/;

/**
 * The SPIFFE id of the client's certificate, as Envoy tells it (`source.principal`). Every workload of a mesh has some
 * certificate, so one that is nobody's here is a credential only when there is no other.
 */
export const spiffe: CredentialKind = {
  name: "spiffe",
  find({ peer }) {
    if (!peer) return none;
    if (peer.certificate !== "" && peer.principal.startsWith(scheme)) checkCertificate(peer);
    return [peer.principal];
  },
  yields: (principal, context) => ownerOf(principal, context) === undefined,
  identify,
};

function identify(principal: string, context: IdentifyContext): Identity {
  if (!isWorkload(principal)) throw malformed("the certificate of the connection is not that of one SPIFFE id");
  const owner = ownerOf(principal, context);
  if (!owner) throw new Refusal("spiffe_unknown", "no agent is registered with the SPIFFE id of the connection");
  const { id, model, scopes, roles } = active(owner);
  return {
    agent: { id, ...(model === undefined ? {} : { model }), roles, scopes },
    credential: spiffe.name,
    credentialHeader: null,
    session: {},
    facts: {},
  };
}

function ownerOf(principal: string, { registry }: IdentifyContext) {
  return isWorkload(principal) ? registry.agentBySpiffe(principal) : undefined;
}

/** An id without a path is that of a trust domain, which certificates of authorities have (X509-SVID section 2). */
function isWorkload(principal: string): boolean {
  return parseSpiffeId(principal)?.includes("/", scheme.length) ?? false;
}

/**
 * The certificate has to be an X.509-SVID (X509-SVID sections 2, 4.1 and 5.2) of the principal. Envoy tells the first of several
 * URIs and says nothing of the others; and a principal from elsewhere than a URI may have the form of an id.
 */
function checkCertificate({ principal, certificate: encoded }: Peer): void {
  const certificate = parseCertificate(encoded);
  if (certificate.ca) throw malformed("the certificate of the connection is that of an authority");
  // A second extension (RFC 5280 section 4.2 forbids it) would be one that only other programs read.
  if (certificate.raw.indexOf(subjectAltName) !== certificate.raw.lastIndexOf(subjectAltName)) {
    throw malformed("the certificate of the connection names its subject twice");
  }
  const uris = urisOf(certificate.subjectAltName);
  if (uris.length !== 1) throw malformed("the certificate of the connection does not hold exactly one URI");
  if (uris[0] !== principal) throw malformed("the certificate of the connection is not that of its principal");
}

function parseCertificate(encoded: string): X509Certificate {
  if (encoded.length > longestCertificate) throw malformed("the certificate of the connection is too long");
  try {
    const pem = decodeURIComponent(encoded);
    if (!pemForm.test(pem)) throw new Error("not one certificate in PEM");
    return new X509Certificate(pem);
  } catch (error) {
    throw malformed("the certificate of the connection cannot be read", error);
  }
}

/** All URIs among the names. Throws unless every name is plain: what is odd may hide another (CVE-2021-44532). */
function urisOf(names: string | undefined): string[] {
  return (names ?? "").split(", ").flatMap((written) => {
    if (written === "") return [];
    const [, kind, value = ""] = plainName.exec(written) ?? [];
    if (kind === undefined) throw malformed("the names in the certificate of the connection are not plain");
    return kind === "URI" ? [value] : [];
  });
}

function malformed(detail: string, cause?: unknown): Refusal {
  return new Refusal("spiffe_malformed", detail, cause === undefined ? {} : { cause });
}
