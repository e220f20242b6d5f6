import { once } from "node:events";
import { connect } from "node:net";
import { type Client, compressionAlgorithms, credentials, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import type { CheckRequest, CheckResponse } from "../../src/grpc/messages.js";
import type { CheckContext } from "../../src/grpc/server.js";
import { inStep } from "../../src/lockstep.js";
import { runsWithin } from "../harness/property.js";
import { allow, bodyLength, check, checkBytes, cleanUp, client, requestOf, start, until } from "./harness.js";
import { readWireCases, type WireCase } from "./vectors.js";

afterEach(cleanUp);

const [vector] = readWireCases<WireCase>("check_request.json");
if (!vector) throw new Error("no request vector");

test("a check gets what Envoy sent, and Envoy gets what the check answered", async () => {
  let got: CheckRequest | undefined;
  const denial: CheckResponse = {
    status: { code: 7, message: "no" },
    denied_response: {
      status: { code: 429 },
      headers: [{ header: { key: "retry-after", value: "1" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }],
      body: "{}",
    },
  };
  const { server } = await start({
    check: async (request) => {
      got = request;
      return denial;
    },
  });
  const answer = await checkBytes(client(server), Buffer.from(vector.bytes, "base64"));
  expect(got).toStrictEqual(vector.decoded);
  expect(answer.error).toBeNull();
  expect(answer.response).toMatchObject({
    status: { code: 7, message: "no" },
    http_response: "denied_response",
    denied_response: {
      status: { code: "TooManyRequests" },
      headers: [{ header: { key: "retry-after", value: "1" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }],
      body: "{}",
    },
  });
});

test("answers that are given at once go each to its own call", async () => {
  const waiting: (() => void)[] = [];
  const { server } = await start({
    check: (request) =>
      new Promise((resolve) => {
        const id = String(bodyLength(request));
        const message = id + "m".repeat(Number(id) % 3 === 0 ? 3_000 : 3);
        waiting.push(() => resolve({ status: { code: 7, message }, denied_response: { status: { code: 403 } } }));
        if (waiting.length === 60) for (const answer of waiting) answer();
      }),
  });
  const froms = [client(server), client(server)];
  const ids = Array.from({ length: 60 }, (_, n) => String(100 + n));
  const answers = await Promise.all(ids.map((id, n) => check(froms[n % 2] as Client, requestOf(Number(id)))));
  const messages = answers.map(({ response }) => (response as { status: { message: string } }).status.message);
  expect(messages.map((message) => message.slice(0, 4))).toEqual(ids.map((id) => `${id}m`));
});

test("calls that come together are checked in step", async () => {
  let [begun, most] = [0, 0];
  const { server } = await start({
    check: async () => {
      begun += 1;
      await inStep;
      most = Math.max(most, begun);
      begun -= 1;
      return allow;
    },
  });
  const from = client(server);
  await check(from, {});
  expect(most).toBe(1);
  const answers = await Promise.all(Array.from({ length: 40 }, () => check(from, {})));
  expect(answers.filter(({ error }) => error !== null)).toEqual([]);
  expect(most).toBeGreaterThan(8);
});

describe("a failing check", () => {
  const secret = "secret-in-the-cause";
  const failures: [string, () => Promise<CheckResponse>][] = [
    ["rejects", () => Promise.reject(new Error(secret))],
    [
      "throws before its first await",
      () => {
        throw new Error(secret);
      },
    ],
    [
      "throws what carries a gRPC status",
      () => Promise.reject(Object.assign(new Error(secret), { code: status.OK, details: secret })),
    ],
    ["throws text", () => Promise.reject(secret)],
  ];
  test.each(failures)("that %s becomes INTERNAL and leaks nothing", async (_, failing) => {
    const { server, logged } = await start({ check: failing });
    const { error } = await check(client(server), {});
    expect({ code: error?.code, details: error?.details }).toEqual({
      code: status.INTERNAL,
      details: "internal error",
    });
    expect(JSON.stringify(error?.metadata.getMap())).not.toContain(secret);
    expect(logged.filter((line) => line.startsWith("a check failed") && line.includes(secret))).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["an empty answer, which Envoy would take for an allow", {}],
    ["a denial without status, which Envoy would take for an allow", { denied_response: { status: { code: 403 } } }],
    ["what cannot be encoded", { status: { code: 0 }, ok_response: { headers: 7 } }],
  ])("that answers %s becomes INTERNAL", async (_, response) => {
    const { server } = await start({ check: async () => response as CheckResponse });
    const { error } = await check(client(server), {});
    expect({ code: error?.code, details: error?.details }).toEqual({
      code: status.INTERNAL,
      details: "internal error",
    });
  });
});

test("a check learns that its caller has gone", async () => {
  let context: CheckContext | undefined;
  const { server } = await start({
    check: async (_, given) => {
      context = given;
      await until(() => given.cancelled());
      return allow;
    },
  });
  let early: boolean | undefined;
  const { error } = await check(client(server), {}, (call) => {
    void until(() => context !== undefined).finally(() => {
      early = context?.cancelled();
      call.cancel();
    });
  });
  expect(early).toBe(false);
  expect(error?.code).toBe(status.CANCELLED);
  await until(() => context?.cancelled() === true);
});

describe("bad messages", () => {
  test("over the limit, plain or compressed, are RESOURCE_EXHAUSTED and the server lives on", async () => {
    const sizes: (number | undefined)[] = [];
    const { server } = await start({
      maxMessageBytes: 10_000,
      check: async (request) => {
        sizes.push(bodyLength(request));
        return allow;
      },
    });
    const plain = client(server);
    const gzip = client(server, credentials.createInsecure(), {
      "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
    });
    expect((await check(plain, requestOf(10_001))).error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await check(plain, requestOf(9_000))).error).toBeNull();
    expect((await check(gzip, requestOf(5_000_000))).error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await check(gzip, requestOf(9_000))).error).toBeNull();
    expect(sizes).toEqual([9_000, 9_000]);
  });

  test("the default limit is 4 MiB", async () => {
    const { server } = await start();
    expect((await check(client(server), requestOf(4_000_000))).error).toBeNull();
    expect((await check(client(server), requestOf(4_200_000))).error?.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  const field = (number: number, content: Buffer): Buffer => {
    const length = [];
    for (let rest = content.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
  };
  /** attributes.metadata_context.filter_metadata[""].fields[""] with lists in lists. */
  const nested = (depth: number): Buffer => {
    let value: Buffer = Buffer.alloc(0);
    for (let level = 0; level < depth; level++) value = field(6, field(1, value));
    return field(1, field(11, field(1, field(2, field(1, field(2, value))))));
  };

  test.each<[string, Buffer]>([
    ["a field that ends before it begins", Buffer.from([0x0a])],
    ["a length beyond the end", Buffer.from([0x0a, 0xff, 0x01, 0x00])],
    ["a number of eleven bytes", Buffer.from([0x0a, ...Array(11).fill(0xff)])],
    ["a wire type that does not exist", Buffer.from([0x0f])],
    ["nesting without end", nested(20_000)],
  ])("%s is INVALID_ARGUMENT and the server lives on", async (_, bytes) => {
    let calls = 0;
    const { server, logged } = await start({
      check: async () => {
        calls++;
        return allow;
      },
    });
    const { error } = await checkBytes(client(server), bytes);
    expect({ code: error?.code, details: error?.details }).toEqual({
      code: status.INVALID_ARGUMENT,
      details: "malformed request",
    });
    expect(calls).toBe(0);
    expect(logged.filter((line) => line.startsWith("a CheckRequest could not be decoded"))).toHaveLength(1);
    expect((await check(client(server), {})).error).toBeNull();
  });

  test("any bytes are answered, and none harms the server", async () => {
    const { server } = await start();
    const from = client(server);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        runsWithin(4_000, async (bytes) => {
          const { error } = await checkBytes(from, bytes);
          expect([undefined, status.INVALID_ARGUMENT]).toContain(error?.code);
        }),
      ),
      { numRuns: 300 },
    );
    expect((await check(from, {})).error).toBeNull();
  });

  test("a peer that does not speak HTTP/2 is cut off, and the others are served", async () => {
    const { server } = await start();
    const from = client(server);
    const socket = connect(Number(server.address.split(":")[1]), "127.0.0.1");
    socket.on("error", () => {});
    socket.end(`GET / HTTP/1.1\r\nhost: x\r\n\r\n${"\0".repeat(1000)}`);
    socket.resume();
    await once(socket, "close");
    expect((await check(from, {})).error).toBeNull();
  });

  test("an unknown method is UNIMPLEMENTED", async () => {
    const { server } = await start();
    const same = (bytes: Buffer) => bytes;
    const error = await new Promise<ServiceError | null>((resolve) => {
      const path = "/envoy.service.auth.v2.Authorization/Check";
      client(server).makeUnaryRequest(path, same, same, Buffer.alloc(0), resolve);
    });
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });
});
