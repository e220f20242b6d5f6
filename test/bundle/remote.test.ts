import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pack, unpack } from "../../src/bundle/archive.js";
import { RemoteBundle } from "../../src/bundle/remote.js";
import { packBundle } from "../../src/bundle/write.js";
import type { PolicySet } from "../../src/policies/policy_set.js";
import { inFolder, newKey, nowMs, program, set, setWith } from "./fixture.js";

const key = await newKey();
const other = await setWith(6);
const pollMs = 10_000;

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage["headers"][];
/** Milliseconds of the clock that polls go by, and what the random source gives. */
let clockMs: number;
let chance: number;
let remote: RemoteBundle;

beforeEach(async () => {
  asked = [];
  clockMs = 1_000;
  chance = 255;
  server = createServer((request, response) => {
    asked.push(request.headers);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundles/x.tar.gz`;
  remote = open();
});
afterEach(async () => {
  remote.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const open = (more: Partial<ConstructorParameters<typeof RemoteBundle>[0]> = {}) =>
  new RemoteBundle({
    url,
    key,
    tokenFile: undefined,
    pollMs,
    program,
    runtime: { now: () => nowMs, monotonicMicros: () => clockMs * 1000, random: (n) => new Uint8Array(n).fill(chance) },
    ...more,
  });
const serve = (bytes: Uint8Array, etag?: string) => {
  answer = (request, response) => {
    if (etag !== undefined && request.headers["if-none-match"] === etag) return response.writeHead(304).end();
    return response.writeHead(200, etag === undefined ? {} : { etag }).end(bytes);
  };
};
const status = (code: number, headers: Record<string, string> = {}) => {
  answer = (_request, response) => response.writeHead(code, headers).end("what it says is no matter");
};
const signed = (of: PolicySet = set, atMs = nowMs, by = key) => packBundle(of, { key: by, nowMs: atMs });
const look = (after = pollMs) => {
  clockMs += after;
  return remote.look();
};
const version = async () => (await remote.load()).version;

test("asks once a poll, and only whether it changed", async () => {
  serve(await signed(), '"one"');
  const word = await look();
  expect(await version()).toBe(set.version);
  expect(await look(pollMs - 1)).toBe(word);
  expect(asked).toHaveLength(1);
  expect(await look(1)).toBe(word);
  expect(asked.map((headers) => headers["if-none-match"])).toEqual([undefined, '"one"']);

  serve(await signed(other), '"two"');
  expect(await look()).not.toBe(word);
  expect(await version()).toBe(other.version);
  await look();
  expect(asked.map((headers) => headers["if-none-match"])).toEqual([undefined, '"one"', '"one"', '"two"']);
});

test("without a token nothing is told of us; with one it is read for each request", () =>
  inFolder(async (folder) => {
    serve(await signed());
    await look();
    expect(asked[0]?.authorization).toBeUndefined();
    const tokenFile = join(folder, "token");
    remote = open({ tokenFile });
    await expect(look()).rejects.toThrow(`${url}: ${tokenFile} holds no token, or cannot be read`);
    await writeFile(tokenFile, "first\n");
    await look(10 * pollMs);
    await writeFile(tokenFile, "second\n");
    await look();
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, "Bearer first", "Bearer second"]);
    await writeFile(tokenFile, "two words\n");
    await expect(look()).rejects.toThrow("holds no token");
    expect(asked).toHaveLength(3);
  }));

const spoiled = async () => {
  const entries = new Map(await unpack(await signed()));
  return pack(entries.set("data.json", Buffer.from("{}")));
};
test.each<[string, string, () => Promise<Uint8Array>]>([
  ["unsigned", "the bundle is not signed", () => packBundle(set, null)],
  [
    "signed with another key",
    "the signature does not verify with the key",
    async () => signed(set, nowMs, await newKey()),
  ],
  ["changed after it was signed", "data.json is not what was signed", spoiled],
  ["no bundle at all", "it is no gzip file", async () => Buffer.from("<html>")],
  ["nothing", "it is no gzip file", async () => Buffer.alloc(0)],
])("what is %s is refused, and fetched again until it is good", async (_what, message, bytes) => {
  serve(await bytes(), '"same"');
  await look();
  await expect(version()).rejects.toThrow(`${url}: ${message}`);
  await look();
  expect(asked[1]?.["if-none-match"]).toBeUndefined();
  serve(await signed(), '"same"');
  await look();
  expect(await version()).toBe(set.version);
});

describe("a bundle that was signed before the one in force", () => {
  test("is refused, also when it does not say when it was signed; signed again it is accepted", async () => {
    serve(await signed(set, nowMs));
    await look();
    await version();
    serve(await signed(other, nowMs - 1_000));
    await look();
    await expect(version()).rejects.toThrow("to go back to it, sign it again");
    serve(await signed(other, nowMs));
    await look();
    expect(await version()).toBe(other.version);
  });
});

test.each<[string, () => void]>([
  ["the server answers 500", () => status(500)],
  ["the server answers 304", () => status(304)],
  ["the server answers 404", () => status(404)],
  ["the server answers 401: the token in token_file is missing or may not read it", () => status(401)],
  ["the server answers 302, and redirects are not followed", () => status(302, { location: "http://127.0.0.1:1/" })],
  ["it cannot be fetched: ", () => (answer = (request) => request.socket.destroy())],
  [
    "it cannot be fetched: ",
    () =>
      (answer = (_request, response) => {
        response.writeHead(200, { "content-length": "100" }).write("x");
        setImmediate(() => response.destroy());
      }),
  ],
])("%s", async (message, prepare) => {
  prepare();
  await expect(look()).rejects.toThrow(`${url}: ${message}`);
  await expect(remote.load()).rejects.toThrow("nothing was fetched");
});

test("the query of a URL, which may be a secret, is sent and not told", async () => {
  let target: string | undefined;
  answer = (request, response) => {
    target = request.url;
    response.writeHead(500).end();
  };
  remote = open({ url: `${url}?signature=secret` });
  const error = await look().catch((thrown: Error) => thrown.message);
  expect([target, error]).toEqual(["/bundles/x.tar.gz?signature=secret", `${url}: the server answers 500`]);
});

test("a failure keeps what was fetched, is told until it is over, and does not hide a change", async () => {
  serve(await signed(), '"one"');
  const word = await look();
  await version();
  status(503);
  await expect(look()).rejects.toThrow("the server answers 503");
  await expect(look(0)).rejects.toThrow("the server answers 503");
  expect(asked).toHaveLength(2);
  expect(await version()).toBe(set.version);
  serve(await signed(), '"one"');
  expect(await look(2 * pollMs)).toBe(word);
});

test("failures are followed by longer waits, up to ten polls, never by shorter ones", async () => {
  status(500);
  const waits: number[] = [];
  for (const random of [255, 255, 255, 255, 255, 0, 127]) {
    chance = random;
    const [before, startedMs] = [asked.length, clockMs];
    while (asked.length === before) await look(pollMs / 10).catch(() => {});
    waits.push((clockMs - startedMs) / pollMs);
  }
  // The first is due at once; each wait was drawn by the failure before it.
  expect(waits).toEqual([0.1, 2, 4, 8, 10, 10, 1]);
  serve(await signed());
  clockMs += 10 * pollMs;
  await look(0);
  const before = asked.length;
  await look(pollMs);
  expect(asked.length).toBe(before + 1);
});

test("a body without end is cut off at the bound", async () => {
  let sent = 0;
  const chunk = Buffer.alloc(1 << 20);
  answer = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += 1;
    };
    response.writeHead(200).on("drain", more);
    more();
  };
  await expect(look()).rejects.toThrow("it is larger than 67108864 bytes");
  expect(sent).toBeLessThan(120);
});

test("closing gives up a request under way", async () => {
  let reached = () => {};
  const arrival = new Promise<void>((resolve) => (reached = resolve));
  answer = () => reached();
  const looking = look();
  await arrival;
  remote.close();
  await expect(looking).rejects.toThrow(url);
});

test.each<[string, () => void]>([
  ["says nothing", () => (answer = () => {})],
  ["never ends", () => (answer = (_request, response) => response.writeHead(200).write("x"))],
])("a server that %s is not waited for without end", async (_what, prepare) => {
  prepare();
  remote = open({ timeoutMs: 200 });
  await expect(look()).rejects.toThrow("nothing arrived within 0.2 s");
});
