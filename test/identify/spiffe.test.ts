import fc from "fast-check";
import type { HttpRequest } from "../../src/call.js";
import { identify } from "../../src/identify/index.js";
import { type CheckRequest, read } from "../../src/read/index.js";
import { Refusal } from "../../src/refusal.js";
import { loadRegistry } from "../../src/registry/load.js";
import { parseSpiffeId } from "../../src/registry/spiffe_id.js";
import { issuers, registry as others } from "./fixture.js";
import { type Authority, authority, type Names, urlEncoded } from "./svid.js";

const id = "spiffe://cluster.local/ns/ci/sa/deploy-manager";
const retired = "spiffe://cluster.local/ns/ci/sa/retired";
const stranger = "spiffe://cluster.local/ns/ci/sa/stranger";

const spiffeAgents = loadRegistry({
  agents: {
    file: "agents.yaml",
    text: `agents:
  - {id: by-certificate, model: some-model-1, scopes: ["deploy-api:*"], roles: [ci], spiffe: ["${id}"]}
  - {id: retired-certificate, disabled: true, spiffe: ["${retired}"]}
`,
  },
});
/** The agents of the other tests, who have keys, and those with SPIFFE ids. */
const registry = { ...others, agentBySpiffe: (text: string) => spiffeAgents.agentBySpiffe(text) };
const apiKey = { name: "x-api-key", value: "key-1" };

let ca: Authority;
let context: Parameters<typeof identify>[1];
beforeAll(async () => {
  ca = await authority();
  context = { ...(await issuers()).context, registry };
});

const as = (peer: { principal: string; certificate?: string }, headers: HttpRequest["headers"] = []) =>
  identify({ headers, peer: { certificate: "", ...peer } }, context);

/** The reason of the refusal, or the agent and how it proved itself. */
async function outcome(result: ReturnType<typeof identify>): Promise<string> {
  return result.then(
    ({ agent, credential }) => `${agent.id} by ${credential}`,
    (error: unknown) => (error instanceof Refusal ? error.reason : `not refused: ${error}`),
  );
}

const certificateOf = async (names: Names): Promise<string> => urlEncoded((await ca.issue(names)).cert);

test("the SPIFFE id of an agent proves the agent and nothing of a session", async () => {
  expect(await as({ principal: id, certificate: await certificateOf({ uris: [id] }) })).toEqual({
    agent: { id: "by-certificate", model: "some-model-1", scopes: ["deploy-api:*"], roles: ["ci"] },
    credential: "spiffe",
    credentialHeader: null,
    session: {},
    facts: {},
  });
  expect(await outcome(as({ principal: id }))).toBe("by-certificate by spiffe");
});

describe("a principal", () => {
  const malformed = [
    ["a DNS name", "deploy-manager.internal"],
    ["a subject", "CN=deploy-manager,O=example"],
    ["a subject that looks like an id", `CN=${id}`],
    ["two ids", `${id},${id}`],
    ["two ids with a space", `${id}, ${stranger}`],
    ["the scheme in capitals", id.replace("spiffe", "SPIFFE")],
    ["the trust domain in capitals", id.replace("cluster.local", "Cluster.Local")],
    ["another scheme", id.replace("spiffe", "https")],
    ["a slash at the end", `${id}/`],
    ["an empty segment", id.replace("/ns/", "//ns/")],
    ["a segment of a dot", id.replace("/ns/", "/./ns/")],
    ["a segment of two dots", `${id}/../deploy-manager`],
    ["a query", `${id}?x=1`],
    ["an empty query", `${id}?`],
    ["a fragment", `${id}#x`],
    ["a port", id.replace("cluster.local", "cluster.local:443")],
    ["a user", id.replace("cluster.local", "user@cluster.local")],
    ["an encoded letter", id.replace("deploy", "%64eploy")],
    ["an encoded slash", id.replace("/sa/", "%2Fsa/")],
    ["a NUL", `${id}\0`],
    ["a NUL inside", id.replace("/sa", "\0/sa")],
    ["a line feed behind it", `${id}\n`],
    ["a space before it", ` ${id}`],
    ["a letter of another script", id.replace("deploy", "d\u0435ploy")],
    ["an id of more than 2048 bytes", `spiffe://cluster.local/${"a".repeat(2_100)}`],
    ["a very long text", `${id}${"/a".repeat(1_000_000)}`],
    ["a trust domain of more than 255 bytes", `spiffe://${"a".repeat(256)}/a`],
    ["no trust domain", "spiffe:///ns/ci"],
    ["a trust domain alone", "spiffe://cluster.local"],
    ["the scheme alone", "spiffe://"],
    ["a name of every object", "constructor"],
  ] as const;

  test.each(malformed)("that is %s is no identity", async (_, principal) => {
    expect(await outcome(as({ principal }))).toBe("spiffe_malformed");
  });

  test.each(malformed)("that is %s leaves another credential alone", async (_, principal) => {
    expect(await outcome(as({ principal }, [apiKey]))).toBe("deploy-manager by api_key");
  });

  test.each([stranger, id.replace("deploy", "Deploy"), id.slice(0, -1), `${id}/x`, id.replace("local", "loca1")])(
    "of nobody is no credential where there is another: %s",
    async (principal) => {
      expect(await outcome(as({ principal }))).toBe("spiffe_unknown");
      expect(await outcome(as({ principal }, [apiKey]))).toBe("deploy-manager by api_key");
    },
  );

  test("of an agent is a credential like the others, so another one makes two", async () => {
    expect(await outcome(as({ principal: id }, [apiKey]))).toBe("credential_ambiguous");
    expect(await outcome(as({ principal: id }, [{ name: "authorization", value: "Bearer x" }]))).toBe(
      "credential_ambiguous",
    );
    expect(await outcome(as({ principal: stranger }, [apiKey, apiKey]))).toBe("credential_ambiguous");
  });

  test("of a disabled agent is refused", async () => {
    expect(await outcome(as({ principal: retired }))).toBe("agent_disabled");
    expect(await outcome(as({ principal: retired }, [apiKey]))).toBe("credential_ambiguous");
  });
});

describe("a certificate", () => {
  test.each<[string, Names]>([
    ["one URI", { uris: [id] }],
    ["other names beside the URI", { uris: [id], dns: ["a.internal"], emails: ["a@b.c"], ips: ["127.0.0.1", "::1"] }],
    ["a subject that is another's", { subject: stranger, uris: [id] }],
  ])("with %s holds", async (_, names) => {
    expect(await outcome(as({ principal: id, certificate: await certificateOf(names) }))).toBe(
      "by-certificate by spiffe",
    );
  });

  const odd: [string, Names, string?][] = [
    ["no names", {}],
    ["a DNS name that is an id", { dns: [id] }],
    ["a mail address that is an id", { emails: [id] }],
    ["a subject that is an id", { subject: id, dns: ["a.internal"] }],
    ["the id twice", { uris: [id, id] }],
    ["the id and another", { uris: [id, stranger] }],
    ["another and the id", { uris: [stranger, id] }],
    ["the id and a URI that is no id", { uris: [id, "https://example.com/"] }],
    ["the id and an empty URI", { uris: [id, ""] }],
    ["an empty URI", { uris: [""] }],
    ["another id", { uris: [stranger] }],
    ["the id in another case", { uris: [id.toUpperCase()] }],
    ["the id with a slash behind it", { uris: [`${id}/`] }],
    ["the id with a query", { uris: [`${id}?`] }],
    ["the id encoded", { uris: [id.replace("deploy", "%64eploy")] }],
    ["a NUL behind the id", { uris: [`${id}\0.evil.example`] }],
    ["a NUL before the id", { uris: [`\0${id}`] }],
    ["two ids in one URI", { uris: [`${id}, URI:${stranger}`] }],
    ["a quote in the URI", { uris: [`"${id}"`] }],
    ["a URI in a DNS name", { uris: [id], dns: [`x, URI:${stranger}`] }],
    ["a URI in a mail address", { uris: [id], emails: [`x@y, URI:${stranger}`] }],
    ["only a URI in a DNS name", { dns: [`x, URI:${id}`] }],
    ["a line feed in a DNS name", { uris: [id], dns: ["x\nURI:y"] }],
    ["a space in a DNS name", { uris: [id], dns: ["x URI:y"] }],
    ["a letter of another script", { uris: [id.replace("deploy", "d\u00e9ploy")] }],
    ["the right of an authority", { uris: [id], ca: true }],
    ["a second list of names", { uris: [id], again: { uris: [stranger] } }],
    ["the id in a second list of names", { uris: [stranger], again: { uris: [id] } }],
    ["a very long URI", { uris: [`${id}${"/a".repeat(20_000)}`] }],
    ["very many URIs", { uris: Array.from({ length: 500 }, (_, i) => `${id}/${i}`) }],
  ];

  test.each(odd)("with %s is refused, with or without another credential", async (_, names, principal = id) => {
    const certificate = await certificateOf(names);
    expect(await outcome(as({ principal, certificate }))).toBe("spiffe_malformed");
    expect(await outcome(as({ principal, certificate }, [apiKey]))).toBe("spiffe_malformed");
  });

  test("without a URI is nobody's, and does not stand in the way of another credential", async () => {
    const certificate = await certificateOf({ dns: ["deploy-manager.internal"] });
    const peer = { principal: "deploy-manager.internal", certificate };
    expect(await outcome(as(peer))).toBe("spiffe_malformed");
    expect(await outcome(as(peer, [apiKey]))).toBe("deploy-manager by api_key");
  });

  test("refused when the principal that Envoy tells is not its URI", async () => {
    const certificate = await certificateOf({ uris: [stranger] });
    for (const principal of ["", id, "stranger.internal", stranger.toUpperCase()]) {
      expect(await outcome(as({ principal, certificate }))).toBe("spiffe_malformed");
    }
    expect(await outcome(as({ principal: stranger, certificate }))).toBe("spiffe_unknown");
    expect(await outcome(as({ principal: stranger, certificate }, [apiKey]))).toBe("deploy-manager by api_key");
  });

  test("of a trust domain is refused, though it is the principal", async () => {
    const principal = "spiffe://cluster.local";
    expect(await outcome(as({ principal, certificate: await certificateOf({ uris: [principal] }) }))).toBe(
      "spiffe_malformed",
    );
  });

  test.each<[string, (good: string) => string]>([
    ["encoded twice", encodeURIComponent],
    ["cut off", (good) => good.slice(0, good.length / 2)],
    ["empty PEM", () => urlEncoded("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")],
    ["a private key", (good) => good.replaceAll("CERTIFICATE", "PRIVATE%20KEY")],
    ["two certificates", (good) => `${good}${good}`],
    ["text before it", (good) => `x%0A${good}`],
    ["text behind it", (good) => `${good}x`],
    [
      "bytes that are none",
      () => urlEncoded(`-----BEGIN CERTIFICATE-----\n${"A".repeat(64)}\n-----END CERTIFICATE-----`),
    ],
    ["an escape that is none", (good) => `${good}%`],
    ["an escape that is no UTF-8", (good) => `${good}%ff`],
    ["a space", () => " "],
    ["a megabyte", (good) => good.replace("%0A", `%0A${"A".repeat(1_000_000)}%0A`)],
  ])("that is %s is refused", async (_, spoil) => {
    const certificate = spoil(await certificateOf({ uris: [id] }));
    expect(await outcome(as({ principal: id, certificate }))).toBe("spiffe_malformed");
  });

  test("as random text never identifies anybody and never throws anything else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), async (principal, certificate) => {
        expect(["spiffe_malformed", "credential_missing"]).toContain(await outcome(as({ principal, certificate })));
      }),
    );
  });
});

describe("a SPIFFE id", () => {
  const domain = fc.stringMatching(/^[a-z0-9._-]{1,255}$/);
  const path = fc.array(fc.stringMatching(/^[A-Za-z0-9._-]{1,16}$/).filter((part) => part !== "." && part !== ".."));

  test("is taken as it is written", () => {
    fc.assert(
      fc.property(domain, path, (trustDomain, segments) => {
        const text = [`spiffe://${trustDomain}`, ...segments].join("/");
        expect(parseSpiffeId(text)).toBe(text);
      }),
      { interruptAfterTimeLimit: 3_000 },
    );
  });

  test("has no character that anybody reads in two ways", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const read = parseSpiffeId(`spiffe://a/${text}`);
        expect(read !== null).toBe(/^[\w.-]+(\/[\w.-]+)*$/.test(text) && !/(^|\/)\.\.?(\/|$)/.test(text));
      }),
      { interruptAfterTimeLimit: 3_000 },
    );
  });
});

describe("what Envoy says of the client", () => {
  const http = { id: "1", method: "GET", path: "/", host: "h", scheme: "https" };
  const peerIn = (source: NonNullable<CheckRequest["attributes"]>["source"], trustPrincipal?: boolean) =>
    read(
      { attributes: { source, request: { http } } },
      { maxBodyBytes: 0, ...(trustPrincipal === undefined ? {} : { trustPrincipal }) },
    );

  test("is read only where it counts", () => {
    expect(peerIn({ principal: id, certificate: "x" }, true).peer).toEqual({ principal: id, certificate: "x" });
    expect(peerIn({ principal: id }, true).peer).toEqual({ principal: id, certificate: "" });
    expect(peerIn({ principal: "", certificate: "x" }, true).peer).toEqual({ principal: "", certificate: "x" });
    for (const trust of [false, undefined])
      expect(peerIn({ principal: id, certificate: "x" }, trust)).not.toHaveProperty("peer");
  });

  test.each([null, undefined, {}, { principal: "" }, { principal: null, certificate: null }])(
    "is nothing when it saw no certificate: %p",
    (source) => expect(peerIn(source, true)).not.toHaveProperty("peer"),
  );
});
