import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { Redis } from "ioredis";
import type { StorePlace } from "../../src/config/store.js";
import { commandNames } from "../../src/store/redis/commands.js";
import { Connection } from "../../src/store/redis/connection.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { redisProgram } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository } from "../harness/programs.js";
import { firstOwner, startRedisCluster } from "../harness/redis_cluster.js";
import { type RedisCertificates, redisCertificates, startTlsRedis } from "../harness/redis_tls.js";
import { oneOnEach, spend, spentBy } from "./cluster_fixture.js";
import { conformance } from "./conformance.js";
import { cleanUp, connected, hourly } from "./redis_fixture.js";
import { subjectAt } from "./redis_subject.js";
import { callOf } from "./subject.js";

const part = await requirePart("redis-server", redisProgram);

type TlsServer = Awaited<ReturnType<typeof startTlsRedis>>;

/** The lines of the page that give the user its rights: on any server, and what a cluster takes besides. */
const rights = [
  ...readFileSync(join(repository, "docs/store.md"), "utf8").matchAll(/^ACL (SETUSER countersign .*)$/gm),
].map(([, line = ""]) => line.replace("PASSWORD", "s3cret").split(" "));

describeWith(part, "over TLS", (use) => {
  let folder: string;
  let certificates: RedisCertificates;
  let server: TlsServer;
  let raw: Redis;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-store-"));
    certificates = await redisCertificates();
    server = await startTlsRedis(use(), certificates);
    raw = new Redis(server.url);
  });
  afterAll(async () => {
    await cleanUp();
    raw.disconnect();
    await server.stop();
    await certificates.remove();
    await rm(folder, { recursive: true });
  });

  const refusalOf = (place: StorePlace) =>
    connected(place).then(
      () => "opened",
      (error: unknown) => error,
    );

  test("counts, with a certificate of each side", async () => {
    const store = await connected({ url: server.secureUrl, tls: certificates.client }, { waitMs: 5000 });
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    expect((await store.settle(callOf("a", hourly))).enforced).toMatchObject({ outcome: "rate_exceeded" });
  });

  test("a server whose authority is another, or whose name is another, is not believed", async () => {
    const { secureUrl } = server;
    const { cert_file, key_file } = certificates.client;
    expect(String(await refusalOf(secureUrl))).toMatch(/StoreUnavailable: .* cannot be used: .*certificate/);
    expect(String(await refusalOf({ url: secureUrl, tls: { cert_file, key_file } }))).toMatch(/certificate/);
    const stranger = await redisCertificates();
    const strange = { ...certificates.client, ca_file: stranger.client.ca_file };
    expect(String(await refusalOf({ url: secureUrl, tls: strange }))).toMatch(/certificate/);
    await stranger.remove();

    const elsewhere = await redisCertificates({ dns: ["redis.internal"] });
    const misnamed = await startTlsRedis(use(), elsewhere);
    expect(String(await refusalOf({ url: misnamed.secureUrl, tls: elsewhere.client }))).toMatch(
      /does not match certificate's altnames/,
    );
    await misnamed.stop();
    await elsewhere.remove();
  });

  test("a handshake that is broken off at any time ends quietly", async () => {
    const { hostname, port } = new URL(server.secureUrl);
    const address = { host: hostname, port: Number(port), db: 0, tls: {} };
    for (let n = 0; n < 200; n++) {
      const connection = new Connection(address, { waitMs: 1000 });
      const refused = connection.run((redis) => redis.ping()).catch((error: unknown) => error);
      await sleep(n % 20);
      await connection.close();
      expect(await refused).toBeInstanceOf(StoreUnavailable);
    }
  });

  test("without the certificate that the server asks for, and in plain text, nobody gets in", async () => {
    const { ca_file } = certificates.client;
    expect(await refusalOf({ url: server.secureUrl, tls: { ca_file } })).toBeInstanceOf(StoreUnavailable);
    expect(await refusalOf(server.secureUrl.replace("rediss", "redis"))).toBeInstanceOf(StoreUnavailable);
    expect(await refusalOf(server.url.replace("redis", "rediss"))).toBeInstanceOf(StoreUnavailable);
  });

  test("files that cannot be used are named, and what is in them is not", async () => {
    const { client } = certificates;
    const empty = join(folder, "empty");
    const odd = join(folder, "odd");
    await writeFile(empty, "");
    await writeFile(odd, "s3cret\nin two lines\n");
    const { secureUrl: url } = server;
    const nodes = { cluster: ["127.0.0.1:1"] };
    const bad: [StorePlace, string][] = [
      [{ url, tls: { ca_file: "/nowhere/ca" } }, "/nowhere/ca (tls.ca_file) cannot be read (ENOENT)"],
      [{ url, tls: { ca_file: empty } }, `${empty} (tls.ca_file) is not a PEM certificate`],
      [{ url, tls: { ...client, cert_file: odd } }, `${odd} (tls.cert_file) is not a PEM certificate`],
      [{ url, tls: { ...client, key_file: odd } }, `${odd} (tls.key_file) is not the PEM key of ${client.cert_file}`],
      [{ url, tls: { ...client, cert_file: client.ca_file } }, "is not the PEM key of"],
      [{ ...nodes, tls: { ca_file: empty } }, `${empty} (tls.ca_file) is not a PEM certificate`],
      [{ ...nodes, password_file: empty }, `${empty} (password_file) does not hold one line`],
      [{ ...nodes, password_file: odd }, `${odd} (password_file) does not hold one line`],
      [{ ...nodes, password_file: folder }, `${folder} (password_file) cannot be read (EISDIR)`],
    ];
    for (const [place, message] of bad) {
      const failure = await refusalOf(place);
      expect(String(failure)).toContain(message);
      expect(inspect(failure, { depth: 10 })).not.toContain("s3cret");
    }
  });

  describe("as the user of the page", () => {
    let asUser: string;
    let user: Redis | undefined;
    afterAll(() => user?.disconnect());
    beforeAll(async () => {
      await raw.call("ACL", ...(rights[0] ?? []));
      asUser = server.secureUrl.replace("//", "//countersign:s3cret@");
      await raw.call("ACL", "LOG", "RESET");
    });

    describe("conformance", () =>
      conformance(
        () => subjectAt({ url: asUser, tls: certificates.client }, new Redis(server.url), "countersign:"),
        20,
      ));

    test("it may do what the store does, and nothing else", () => {
      const folder = join(repository, "src/store/redis");
      const scripts = readdirSync(folder).filter((file) => file.endsWith(".lua"));
      const inScripts = scripts.flatMap((file) =>
        [...readFileSync(join(folder, file), "utf8").matchAll(/redis\.call\((.*?)[,)]/g)].map(([, name = ""]) =>
          String(JSON.parse(name)).toLowerCase(),
        ),
      );
      const onConnecting = ["client|setname", "info"];
      const wanted = [...new Set([...commandNames, ...onConnecting, ...inScripts])].sort();
      const [, , ...words] = rights[0] ?? [];
      const granted = wanted.map((name) => `+${name}`);
      expect(words).toEqual(["reset", "on", ">s3cret", "~countersign:*", ...granted]);
    });

    test("nothing that it needs was refused", async () => expect(await raw.call("ACL", "LOG")).toEqual([]));

    test("what it does not need is refused", async () => {
      const [ca, cert, key] = ["ca_file", "cert_file", "key_file"].map((name) =>
        readFileSync(certificates.client[name as "ca_file"], "utf8"),
      );
      user = new Redis(asUser, { tls: { ca, cert, key } as object });
      await raw.set("another", "1");
      const refused: string[][] = [
        ["GET", "another"],
        ["SET", "another", "2"],
        ["GET", "countersign"],
        ["EVAL", "return redis.call('GET', 'another')", "0"],
        ["EVAL", "return redis.call('GET', KEYS[1])", "1", "another"],
        ["EVAL", "return redis.call('FLUSHALL')", "0"],
        ["FLUSHALL"],
        ["KEYS", "*"],
        ["SCAN", "0"],
        ["CONFIG", "GET", "*"],
        ["SCRIPT", "FLUSH"],
        ["CLIENT", "KILL", "ID", "1"],
        ["ACL", "LIST"],
        ["SHUTDOWN"],
        ["REPLICAOF", "127.0.0.1", "1"],
        ["PUBLISH", "countersign:", "x"],
      ];
      for (const [name = "", ...args] of refused) {
        const answer = await user.call(name, ...args).catch(({ message }: Error) => message);
        expect([name, answer]).toEqual([
          name,
          expect.stringMatching(/^NOPERM |The user executing the script can't (run|access) /),
        ]);
      }
    });
  });

  test("a cluster over TLS as the user of the page", async () => {
    const cluster = await startRedisCluster(use(), certificates);
    const password_file = join(folder, "password");
    await writeFile(password_file, "s3cret\n");
    try {
      for (const { raw } of cluster.nodes) for (const line of rights) await raw.call("ACL", ...line);
      const place = {
        cluster: [cluster.nodes[0].name],
        username: "countersign",
        password_file,
        tls: certificates.client,
      };
      const store = await connected(place, { waitMs: 5000 });
      const agents = await oneOnEach(cluster);
      for (const agent of agents) {
        await spend(store, agent);
        expect(await spentBy(store, agent)).toBe(1);
      }
      await store.ping();
      // A slot on its way that is empty sends everybody on.
      const slot = Number(await cluster.nodes[0].raw.cluster("KEYSLOT", "countersign:approval:x"));
      const from = cluster.nodes[firstOwner(slot)] ?? cluster.nodes[0];
      const to = cluster.nodes.find((node) => node !== from) ?? cluster.nodes[1];
      await to.raw.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
      await from.raw.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
      expect(await store.approval("x")).toBeNull();
      for (const { raw } of cluster.nodes) expect(await raw.call("ACL", "LOG")).toEqual([]);
      await writeFile(password_file, "wr0ng\n");
      const failure = await refusalOf(place);
      expect(String(failure)).toMatch(/StoreUnavailable: .*WRONGPASS/);
      expect(inspect(failure, { depth: 10 })).not.toMatch(/wr0ng|s3cret/);
    } finally {
      await cluster.stop();
    }
  });
});
