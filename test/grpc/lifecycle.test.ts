import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type Client, type ClientReadableStream, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { service as health } from "grpc-health-check";
import type { Listen } from "../../src/grpc/listen.js";
import { allow, check, cleanUp, client, start, temporaryFolder, until } from "./harness.js";

afterEach(cleanUp);

const names = ["", "envoy.service.auth.v3.Authorization"];

/** SERVING, NOT_SERVING, or the name of the gRPC error. */
function healthOf(from: Client, service: string): Promise<string> {
  const method = health.Check;
  if (!method) throw new Error("the health service has no Check");
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve) => {
    from.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, response) =>
      resolve(error ? (status[error.code] ?? "") : (response as { status: string }).status),
    );
  });
}

function watchHealth(from: Client, service: string): ClientReadableStream<object> {
  const method = health.Watch;
  if (!method) throw new Error("the health service has no Watch");
  return from.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, { service });
}

describe("health", () => {
  test("is SERVING only while the program says so", async () => {
    const { server } = await start();
    const from = client(server);
    for (const name of names) expect(await healthOf(from, name)).toBe("NOT_SERVING");
    server.setServing(true);
    for (const name of names) expect(await healthOf(from, name)).toBe("SERVING");
    server.setServing(false);
    for (const name of names) expect(await healthOf(from, name)).toBe("NOT_SERVING");
    expect(await healthOf(from, "another.Service")).toBe("NOT_FOUND");
  });

  test("is pushed to who watches, and a watch does not hold up a drain", async () => {
    const { server } = await start();
    const seen: unknown[] = [];
    let ended = false;
    const watch = watchHealth(client(server), "");
    watch.on("data", (message: { status: string }) => seen.push(message.status));
    watch.on("error", () => {});
    watch.on("end", () => {
      ended = true;
    });
    await until(() => seen.length === 1);
    server.setServing(true);
    await until(() => seen.length === 2);
    const before = Date.now();
    await server.drain(40_000);
    expect(Date.now() - before).toBeLessThan(20_000);
    await until(() => ended);
    expect(seen).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  });
});

describe("drain", () => {
  /** A server whose checks wait until `release` is called. */
  async function startHolding(listen: Listen = { kind: "tcp", host: "127.0.0.1", port: 0 }) {
    let release = (): void => {};
    let inFlight = 0;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const started = await start({
      listen,
      check: async () => {
        inFlight++;
        await released;
        return allow;
      },
    });
    started.server.setServing(true);
    return { ...started, release, inFlight: () => inFlight };
  }

  test("lets a call in flight finish, takes no new ones, and then is done", async () => {
    const { server, release, inFlight } = await startHolding();
    const answer = check(client(server), {});
    await until(() => inFlight() === 1);
    let done = false;
    const drained = server.drain(10_000).then(() => {
      done = true;
    });
    server.setServing(true);
    expect((await check(client(server), {})).error?.code).toBe(status.UNAVAILABLE);
    expect(done).toBe(false);
    expect(inFlight()).toBe(1);
    release();
    expect((await answer).error).toBeNull();
    await drained;
  });

  test.each<[string, () => Listen]>([
    ["IPv4", () => ({ kind: "tcp", host: "127.0.0.1", port: 0 })],
    ["a host's name", () => ({ kind: "tcp", host: "localhost", port: 0 })],
    ["a Unix socket", () => ({ kind: "unix", path: join(temporaryFolder(), "s.sock") })],
  ])("cuts off what outlives the deadline over %s", async (_, listen) => {
    const { server, logged, inFlight } = await startHolding(listen());
    const answer = check(client(server), {});
    await until(() => inFlight() === 1);
    await Promise.all([server.drain(50), server.drain(60_000)]);
    expect([status.CANCELLED, status.UNAVAILABLE]).toContain((await answer).error?.code);
    expect(logged.some((line) => line.startsWith("gRPC calls were still in flight"))).toBe(true);
  });

  test("of an idle server is immediate and may be repeated", async () => {
    const { server, logged } = await start();
    const from = client(server);
    expect((await check(from, {})).error).toBeNull();
    await server.drain(10_000);
    await server.drain(10_000);
    expect(logged.some((line) => line.startsWith("gRPC calls were still in flight"))).toBe(false);
    expect((await check(from, {})).error?.code).toBe(status.UNAVAILABLE);
  });
});

describe.each(["v1", "v1alpha"])("reflection %s", (version) => {
  interface Reply {
    listServicesResponse?: { service: { name: string }[] };
    fileDescriptorResponse?: { fileDescriptorProto: Uint8Array[] };
  }

  /** Sends one request to the server's reflection service. */
  async function ask(request: object): Promise<Reply> {
    const { server } = await start();
    const folder = dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json"));
    const file = join(folder, `build/proto/grpc/reflection/${version}/reflection.proto`);
    const definition = loadSync(file)[`grpc.reflection.${version}.ServerReflection`];
    const methods = definition as Record<string, Parameters<typeof makeStream>[0]>;
    const method = methods.ServerReflectionInfo;
    if (!method) throw new Error("no reflection method");
    const stream = makeStream(method, client(server));
    const reply = new Promise<Reply>((resolve, reject) => {
      stream.on("data", resolve);
      stream.on("error", reject);
    });
    stream.write(request);
    try {
      return await reply;
    } finally {
      stream.end();
    }
  }

  function makeStream(
    method: {
      path: string;
      requestSerialize: (value: object) => Buffer;
      responseDeserialize: (bytes: Buffer) => object;
    },
    from: Client,
  ) {
    return from.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
  }

  test("lists the services", async () => {
    const { listServicesResponse } = await ask({ listServices: "*" });
    expect(listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
      "envoy.service.accesslog.v3.AccessLogService",
      "envoy.service.auth.v3.Authorization",
      "grpc.health.v1.Health",
    ]);
  });

  test("describes the service with everything it needs", async () => {
    const { fileDescriptorResponse } = await ask({ fileContainingSymbol: "envoy.service.auth.v3.Authorization" });
    const files = (fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const [first] = files;
    if (!first) throw new Error("no file");
    const registry = createFileRegistry(first, (name) => files.find((file) => file.name === name));
    const input = registry.getService("envoy.service.auth.v3.Authorization")?.methods[0]?.input;
    expect(input?.fields.map((field) => [field.number, field.name, field.message?.typeName])).toEqual([
      [1, "attributes", "envoy.service.auth.v3.AttributeContext"],
    ]);
    const metadata = files.find((file) => file.package === "envoy.config.core.v3")?.messageType;
    const entries = metadata?.find(({ name }) => name === "Metadata")?.nestedType.map(({ name }) => name);
    expect(entries).toEqual(["FilterMetadataEntry", "TypedFilterMetadataEntry"]);
  });
});
