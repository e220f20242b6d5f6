import { generate } from "selfsigned";

export interface Pair {
  cert: string;
  key: string;
}

export interface Authority extends Pair {
  issue(more: Names): Promise<Pair>;
}

/** What a certificate says of its owner. */
export interface Names {
  /** Common name of the subject; none by default, as in an X509-SVID. */
  subject?: string;
  uris?: readonly string[];
  dns?: readonly string[];
  emails?: readonly string[];
  ips?: readonly string[];
  /** True for the certificate of an authority. */
  ca?: boolean;
  /** Names in a second extension, which must not be. */
  again?: Names;
}

const options = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

/** A certificate authority of a test, and certificates of it. */
export async function authority(): Promise<Authority> {
  const root = await generate([{ name: "commonName", value: "test CA" }], {
    ...options,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  const issue = async (names: Names): Promise<Pair> => {
    const pair = await generate([{ name: "commonName", value: names.subject ?? "workload" }], {
      ...options,
      ca: { key: root.private, cert: root.cert },
      extensions: [
        { name: "basicConstraints", cA: names.ca ?? false },
        { name: "subjectAltName", altNames: altNames(names) },
        ...(names.again ? [{ name: "subjectAltName" as const, altNames: altNames(names.again) }] : []),
      ],
    });
    return { cert: pair.cert, key: pair.private };
  };
  return { cert: root.cert, key: root.private, issue };
}

function altNames({ uris = [], dns = [], emails = [], ips = [] }: Names) {
  return [
    ...uris.map((value) => ({ type: 6 as const, value })),
    ...dns.map((value) => ({ type: 2 as const, value })),
    ...emails.map((value) => ({ type: 1 as const, value })),
    ...ips.map((ip) => ({ type: 7 as const, ip })),
  ];
}

/** As Envoy writes a certificate (`urlEncodedPemEncodedPeerCertificate`). */
export function urlEncoded(pem: string): string {
  const escapes: Record<string, string> = { "\n": "%0A", " ": "%20", "+": "%2B", "/": "%2F", "=": "%3D" };
  return `${pem.replaceAll("\r", "").trim()}\n`.replaceAll(/[\n +/=]/g, (character) => escapes[character] ?? character);
}
