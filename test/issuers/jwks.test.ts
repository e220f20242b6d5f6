import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrustedIssuers } from "../../src/issuers/issuers.js";
import { checkKeyFiles } from "../../src/issuers/jwks.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { Refusal } from "../../src/refusal.js";
import { until } from "../harness/until.js";
import { agentEntry, answers, clock, entries, job, jwks, keyOf, keyServer, now, tokenOf } from "./fixture.js";

const key = keyOf("known");
const next = keyOf("next");
const minutes = 60_000;
const hours = 60 * minutes;

let server: Awaited<ReturnType<typeof keyServer>>;
let at: ReturnType<typeof clock>;
let troubles: string[];
let issuers: TrustedIssuers;
beforeEach(async () => {
  server = await keyServer(answers.json(jwks(key)));
  at = clock();
  troubles = [];
  issuers = issuersAt(server.url);
});
afterEach(async () => {
  issuers.close();
  await server.stop();
});

function issuersAt(place: string, timeoutMs = 10_000): TrustedIssuers {
  return trustedIssuers(entries(agentEntry(place)), {
    runtime: at.runtime,
    timeoutMs,
    onTrouble: (where, problem) => troubles.push(`${where}: ${problem}`),
  });
}

let serial = 0;
/** Another token each time, so that none is remembered. */
const fresh = (by = key, header: object = {}) => tokenOf(by, { ...job, jti: `job-${++serial}` }, header);

async function outcome(token: string): Promise<string> {
  return issuers.agent(token, now).then(
    (grant) => grant.agent,
    (error: unknown) => (error instanceof Refusal ? error.reason : `not refused: ${error}`),
  );
}

/** What an endpoint may do other than answer with keys. */
const failures: [string, () => void | Promise<void>, RegExp][] = [
  ["is stopped", () => server.stop(), /ECONNREFUSED|socket|closed/],
  ["is silent", () => use(answers.silence()), /nothing whole arrived within 0.5 s/],
  ["never ends its answer", () => use(answers.trickle()), /nothing whole arrived within 0.5 s/],
  ["answers with an error", () => use(answers.text("down", 503)), /answers 503/],
  ["answers with a page", () => use(answers.text("<html>")), /not JSON/],
  ["answers with other JSON", () => use(answers.json(["keys"])), /no JWK Set/],
  ["answers with keys of another form", () => use(answers.json({ keys: "all" })), /no JWK Set/],
  ["answers with no keys", () => use(answers.json({ keys: [] })), /no key that checks/],
  ["answers with bytes that are no text", () => use(answers.text(Buffer.from([0x7b, 0xff]))), /not JSON/],
  ["answers with 101 keys", () => use(answers.json({ keys: Array(101).fill(key.public) })), /at most 100 keys/],
  ["answers with too much", () => use(answers.json({ ...jwks(key), pad: "x".repeat(262_144) })), /larger than/],
  ["redirects to good keys", () => use(answers.text("", 302, { location: server.url })), /answers 302/],
];
const use = (answer: typeof server.answer): void => {
  server.answer = answer;
};

/** In place of the patience that a busy machine needs, where an answer that never comes is waited for. */
const giveUpSoon = (): void => {
  issuers.close();
  issuers = issuersAt(server.url, 500);
};

describe.each(failures)("an endpoint that %s", (_name, fail, problem) => {
  beforeEach(giveUpSoon);

  test("leaves known keys in use, and is asked seldom", async () => {
    expect(await outcome(fresh())).toBe("deploy-manager");
    await fail();
    at.ms += 10 * minutes;
    for (let call = 0; call < 50; call++) expect(await outcome(fresh())).toBe("deploy-manager");
    await until(() => troubles.length === 1, { what: "the failure is told" });
    expect(troubles[0]).toMatch(problem);
    // An hour of calls: the waits double up to five minutes.
    for (let minute = 0; minute < 60; minute++) {
      at.ms += 1 * minutes;
      expect(await outcome(fresh())).toBe("deploy-manager");
      await settled();
    }
    expect(server.requests).toBeLessThanOrEqual(2 + 5 + 60 / 5);
    expect(troubles.length).toBeLessThanOrEqual(1 + 5 + 60 / 5);
  });

  test("leaves nobody verified when no key was ever known", async () => {
    await fail();
    for (let call = 0; call < 20; call++) expect(await outcome(fresh())).toBe("issuer_unavailable");
    expect(server.requests).toBeLessThanOrEqual(1);
  });
});

/** Waits until no look is under way: the next unknown key would join it. */
async function settled(): Promise<void> {
  await issuers.agent(fresh(next), now).catch(() => undefined);
}

test("keys are not used longer than a day without word from the issuer, and are when it is back", async () => {
  expect(await outcome(fresh())).toBe("deploy-manager");
  server.answer = answers.text("down", 503);
  at.ms += 24 * hours - 1;
  expect(await outcome(fresh())).toBe("deploy-manager");
  await until(() => troubles.length === 1, { what: "the failure is told" });
  at.ms += 1;
  expect(await outcome(fresh())).toBe("issuer_unavailable");
  server.answer = answers.json(jwks(key));
  at.ms += 30_000;
  expect(await outcome(fresh())).toBe("deploy-manager");
});

test("a token that was verified before is refused too when the keys are too old", async () => {
  const token = fresh();
  expect(await outcome(token)).toBe("deploy-manager");
  await server.stop();
  at.ms += 24 * hours;
  expect(await outcome(token)).toBe("issuer_unavailable");
});

test("a hundred calls at once fetch the keys once", async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => outcome(fresh())));
  expect(new Set(all)).toEqual(new Set(["deploy-manager"]));
  expect(server.requests).toBe(1);
});

test("a hundred calls at once that wait in vain wait once, and not longer than the limit", async () => {
  giveUpSoon();
  server.answer = answers.silence();
  const started = performance.now();
  const all = await Promise.all(Array.from({ length: 100 }, () => outcome(fresh())));
  expect(new Set(all)).toEqual(new Set(["issuer_unavailable"]));
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(server.requests).toBe(1);
});

test("a storm of a thousand unknown keys fetches at most twice, and known keys go on", async () => {
  expect(await outcome(fresh())).toBe("deploy-manager");
  at.ms += 30_000;
  const storm = Array.from({ length: 1_000 }, (_, n) => outcome(fresh(next, { kid: `unknown-${n}` })));
  const all = await Promise.all([...storm, outcome(fresh())]);
  expect(all.pop()).toBe("deploy-manager");
  expect(new Set(all)).toEqual(new Set(["token_invalid"]));
  expect(server.requests).toBe(2);
});

test("a new key is found when its first token comes, half a minute after the last look", async () => {
  expect(await outcome(fresh())).toBe("deploy-manager");
  server.answer = answers.json(jwks(key, next));
  expect(await outcome(fresh(next))).toBe("token_invalid");
  at.ms += 30_000;
  expect(await outcome(fresh(next))).toBe("deploy-manager");
  expect(server.requests).toBe(2);
});

test("a key that the issuer withdrew is out ten minutes later, also for a token that was verified with it", async () => {
  const token = fresh();
  expect(await outcome(token)).toBe("deploy-manager");
  server.answer = answers.json(jwks(next));
  at.ms += 10 * minutes;
  expect(await outcome(token)).toBe("deploy-manager");
  await until(async () => (await outcome(fresh())) === "token_invalid", { what: "the key is out" });
  expect(await outcome(token)).toBe("token_invalid");
});

test("what is wrong with one key is no matter for the others", async () => {
  const small = keyOf("small", "RS256", 1_024);
  const { d: _, ...noCurve } = { ...keyOf("odd").public, crv: "P-256K" };
  const odd: unknown[] = [
    null,
    7,
    "key",
    [],
    {},
    { kty: "oct", k: "c2VjcmV0", kid: "known" },
    { kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: "known" },
    { ...key.public, kid: 7 },
    { ...key.public, use: "enc" },
    { ...key.public, key_ops: ["encrypt"] },
    { ...key.public, alg: "HS256" },
    { ...key.public, d: "AAAA" },
    { kty: "RSA", n: "", e: "", kid: "known" },
    { kty: "__proto__", kid: "known" },
    JSON.parse('{"__proto__": {"kty": "EC"}, "constructor": 1, "kid": "known"}'),
    noCurve,
    small.public,
  ];
  server.answer = answers.json({ keys: [...odd, key.public], constructor: 1 });
  expect(await outcome(fresh())).toBe("deploy-manager");
  expect(await outcome(fresh(small))).toBe("token_invalid");
});

test("a token without kid is tried with every key that fits, and so are keys that share one", async () => {
  const twin = keyOf("known");
  server.answer = answers.json(jwks(keyOf("other"), twin, key, keyOf("rsa", "RS256")));
  expect(await outcome(fresh(key, { kid: undefined }))).toBe("deploy-manager");
  expect(await outcome(fresh(key))).toBe("deploy-manager");
  expect(await outcome(fresh(twin))).toBe("deploy-manager");
  expect(await outcome(fresh(next, { kid: undefined }))).toBe("token_invalid");
});

test("nothing is asked after the end", async () => {
  server.answer = answers.silence();
  const waiting = outcome(fresh());
  await until(() => server.requests === 1, { what: "the request is there" });
  issuers.close();
  expect(await waiting).toBe("issuer_unavailable");
  at.ms += 1 * hours;
  expect(await outcome(fresh())).toBe("issuer_unavailable");
  expect([server.requests, troubles]).toEqual([1, []]);
});

test("the query of a URL, which may hold a secret, is not told", async () => {
  issuers = issuersAt(`${server.url}?token=hidden`);
  server.answer = answers.text("no", 403);
  await outcome(fresh());
  expect(troubles).toEqual([`${server.url}: the server answers 403`]);
});

describe("a file of keys", () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-jwks-"));
    file = join(folder, "jwks.json");
    await writeFile(file, JSON.stringify(jwks(key)));
    issuers = issuersAt(file);
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("is read again when a second has passed, and a key that left it is out at once", async () => {
    const token = fresh();
    expect(await outcome(token)).toBe("deploy-manager");
    await writeFile(file, JSON.stringify(jwks(next)));
    expect(await outcome(token)).toBe("deploy-manager");
    at.ms += 1_000;
    expect(await outcome(token)).toBe("token_invalid");
    expect(await outcome(fresh(next))).toBe("deploy-manager");
  });

  test("that is broken or gone leaves known keys in use for a day", async () => {
    expect(await outcome(fresh())).toBe("deploy-manager");
    await writeFile(file, "{");
    at.ms += 1_000;
    expect(await outcome(fresh())).toBe("deploy-manager");
    await rm(file);
    at.ms += 23 * hours;
    expect(await outcome(fresh())).toBe("deploy-manager");
    at.ms += 1 * hours;
    expect(await outcome(fresh())).toBe("issuer_unavailable");
    expect(troubles[0]).toBe(`${file}: it is not JSON in UTF-8`);
    expect(troubles[1]).toMatch(/it cannot be read: ENOENT/);
  });

  test("without keys is told at the start; a URL is not asked", async () => {
    await checkKeyFiles([server.url, file, file]);
    expect(server.requests).toBe(0);
    await writeFile(file, '{"keys": []}');
    await expect(checkKeyFiles([server.url, file])).rejects.toThrow(`${file}: it holds no key that checks signatures`);
    await rm(file);
    await expect(checkKeyFiles([file])).rejects.toThrow(/: it cannot be read: ENOENT/);
  });

  test.each([
    ["too large", () => writeFile(file, " ".repeat(262_145)), /larger than 262144 bytes/],
    ["a folder", () => rm(file).then(() => mkdir(file)), /it is no file/],
  ])("that is %s is not used", async (_name, spoil, problem) => {
    await spoil();
    expect(await outcome(fresh())).toBe("issuer_unavailable");
    expect(troubles[0]).toMatch(problem);
  });
});
