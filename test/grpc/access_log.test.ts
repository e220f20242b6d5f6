import type { AccessLogReader } from "../../src/grpc/access_log.js";
import { AccessLog } from "../../src/grpc/access_log.js";
import type { HttpAccessLogEntry } from "../../src/grpc/access_log_messages.js";
import { httpEntries } from "../../src/grpc/load_protos.js";
import { accessLogVectors, entryOf, messageOf, openStream } from "./access_log_stream.js";
import { check, cleanUp, client, protos, start, until } from "./harness.js";

afterEach(cleanUp);

const vectors = accessLogVectors();
const ulid = (n: number): string => `01J9ZQ3V6C5R8N2K4M7P0T${String(n).padStart(4, "0")}`;
const bytesOf = (entry: HttpAccessLogEntry): Buffer => protos.accessLog.encodeEntry(entry);

function reader() {
  const entries: HttpAccessLogEntry[] = [];
  const lost = { malformed: 0, dropped: 0 };
  const accessLog: AccessLogReader = {
    take: (entry) => void entries.push(entry),
    lost: (result, count) => {
      lost[result] += count;
    },
  };
  return { entries, lost, accessLog };
}

function decoded(name: string): HttpAccessLogEntry[] {
  const bytes = vectors.get(name);
  if (!bytes) throw new Error(`no vector ${name}`);
  return [...httpEntries(bytes)].map((entry) => protos.accessLog.decodeEntry(Buffer.from(entry)));
}

describe("messages that another implementation encoded", () => {
  test("an entry says what it was made of", () => {
    const [entry, ...more] = decoded("a call that was answered");
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      common_properties: {
        time_to_first_upstream_rx_byte: { seconds: "0", nanos: 3_000_000 },
        time_to_last_downstream_tx_byte: { seconds: "1", nanos: 2_345_678 },
        duration: { seconds: "1", nanos: 3_000_000 },
        upstream_remote_address: { socket_address: { address: "127.0.0.1", port_value: 8080 } },
        access_log_type: "DownstreamEnd",
        intermediate_log_entry: false,
      },
      request: { request_id: "d4c2b7a0-0d5e-9a31-8f0c-1d7a5b6c7d8e" },
      response: { response_code: { value: 503 }, response_code_details: "via_upstream" },
    });
    const { unauthorized_details: unauthorized, ...flags } = entry?.common_properties?.response_flags ?? {};
    expect(unauthorized).toBeNull();
    const raised = Object.entries(flags).filter(([, raised]) => raised);
    expect(raised.map(([name]) => name)).toEqual(["upstream_connection_failure", "downstream_connection_termination"]);
    const { fields } = entry?.common_properties?.metadata?.filter_metadata["envoy.filters.http.ext_authz"] ?? {};
    expect(fields?.decision_id).toMatchObject({ stringValue: "01J9ZQ3V6C5R8N2K4M7P0T1S6Y" });
  });

  test("every flag is read", () => {
    const flags = Object.values(decoded("every flag")[0]?.common_properties?.response_flags ?? {});
    expect(flags).toHaveLength(28);
    expect(flags.filter((flag) => flag === true)).toHaveLength(27);
    expect(flags).toContainEqual({ reason: "EXTERNAL_SERVICE" });
  });

  test("several entries, none, and entries of TCP connections", () => {
    expect(decoded("three entries")).toHaveLength(3);
    expect(decoded("an entry without anything in it")).toEqual([
      { common_properties: null, request: null, response: null },
    ]);
    expect(decoded("none")).toEqual([]);
    expect(decoded("TCP")).toEqual([]);
  });

  test("a message that lost its end is refused, wherever the cut is", () => {
    const whole = vectors.get("three entries") ?? Buffer.alloc(0);
    // The first field is one of Envoy's that nobody reads, and a message may end behind it.
    const boundary = 2 + (whole[1] ?? 0);
    for (let length = 1; length < whole.length; length++) {
      if (length !== boundary) expect(() => [...httpEntries(whole.subarray(0, length))]).toThrow();
    }
  });
});

test("a stream tells entry after entry, in order, while calls are decided", async () => {
  const { entries, lost, accessLog } = reader();
  const { server } = await start({ accessLog });
  const from = client(server);
  const { call } = openStream(from);
  for (let n = 0; n < 300; n += 3) call.write(messageOf([n, n + 1, n + 2].map((id) => bytesOf(entryOf(ulid(id))))));
  expect((await check(client(server), {})).error).toBeNull();
  await until(() => entries.length === 300);
  const ids = entries.map(
    ({ common_properties: common }) =>
      common?.metadata?.filter_metadata["envoy.filters.http.ext_authz"]?.fields.decision_id,
  );
  expect(ids).toMatchObject(entries.map((_, n) => ({ stringValue: ulid(n) })));
  expect(lost).toEqual({ malformed: 0, dropped: 0 });
});

test("what cannot be read is counted, and spoils neither the entries beside it nor the stream", async () => {
  const { entries, lost, accessLog } = reader();
  const { server } = await start({ accessLog });
  const { call, over } = openStream(client(server));
  const good = bytesOf(entryOf(ulid(1)));
  call.write(messageOf([good, good.subarray(0, 40), good, Buffer.from([0xff]), Buffer.from([0x0a, 0xff, 0xff])]));
  call.write(Buffer.from("no message at all"));
  call.write(messageOf([good]).subarray(0, 30));
  call.write(Buffer.alloc(0));
  call.write(messageOf([good]));
  await until(() => entries.length === 3);
  expect(lost).toEqual({ malformed: 5, dropped: 0 });
  call.end();
  expect(await over).toBe("ended");
});

test("a message above the limit ends its stream and nothing else", async () => {
  const { entries, accessLog } = reader();
  const { server } = await start({ accessLog, maxMessageBytes: 10_000 });
  const from = client(server);
  const [large, other] = [openStream(from), openStream(from)];
  large.call.write(messageOf([Buffer.alloc(20_000)]));
  expect(await large.over).toMatch(/RESOURCE_EXHAUSTED|larger than max/);
  other.call.write(messageOf([bytesOf(entryOf(ulid(1)))]));
  await until(() => entries.length === 1);
});

test("a drain ends every stream, reads what had come, and takes no more", async () => {
  const { entries, accessLog } = reader();
  const { server } = await start({ accessLog });
  const streams = [1, 2, 3].map(() => openStream(client(server)));
  for (const { call } of streams) call.write(messageOf([bytesOf(entryOf(ulid(1)))]));
  await until(() => entries.length === 3);
  const before = Date.now();
  await server.drain(40_000);
  expect(Date.now() - before).toBeLessThan(20_000);
  expect(await Promise.all(streams.map(({ over }) => over))).toEqual(["ended", "ended", "ended"]);
});

describe("room", () => {
  /** A service whose reader does nothing until the event loop turns, and a stream that only counts what is asked of it. */
  function service(most: { entries: number; bytes: number }) {
    const { entries, lost, accessLog } = reader();
    const log = new AccessLog({ protos, reader: accessLog, most });
    let handler: ((call: unknown, callback: (error: null, bytes: Buffer) => void) => void) | undefined;
    log.addTo({
      addService: (_: unknown, handlers: { StreamAccessLogs: typeof handler }) => {
        handler = handlers.StreamAccessLogs;
      },
    } as never);
    const listeners = new Map<string, (value?: unknown) => void>();
    const state = { paused: false, resumed: 0, ended: 0 };
    const on = (event: string, listener: () => void) => void listeners.set(event, listener);
    const resume = () => {
      state.paused = false;
      state.resumed++;
    };
    const pause = () => {
      state.paused = true;
    };
    handler?.({ on, once: on, pause, resume, isPaused: () => state.paused }, () => {
      state.ended++;
    });
    return { log, entries, lost, state, send: (message: Buffer) => listeners.get("data")?.(message) };
  }
  const one = bytesOf(entryOf(ulid(1)));
  const many = (count: number): Buffer => messageOf(Array.from({ length: count }, () => one));

  test("is bounded in entries: what does not fit is counted, and the stream waits until there is room", async () => {
    const { entries, lost, state, send } = service({ entries: 100, bytes: 1 << 20 });
    send(many(130));
    expect(lost).toEqual({ malformed: 0, dropped: 30 });
    expect(state.paused).toBe(true);
    await until(() => entries.length === 100);
    expect(state).toEqual({ paused: false, resumed: 1, ended: 0 });
    send(many(5));
    await until(() => entries.length === 105);
    expect(lost.dropped).toBe(30);
  });

  test("is bounded in bytes", async () => {
    const { entries, lost, send } = service({ entries: 1_000, bytes: one.length * 3 });
    send(many(10));
    await until(() => entries.length === 3);
    expect(lost.dropped).toBe(7);
  });

  test("what waits at the end is read before it ends", () => {
    const { log, entries, state, send } = service({ entries: 1_000, bytes: 1 << 20 });
    send(many(500));
    expect(entries).toEqual([]);
    log.end();
    expect([entries.length, state.ended]).toEqual([500, 1]);
    send(many(1));
    log.end();
    expect([entries.length, state.ended]).toEqual([500, 1]);
  });

  test("a flood does not keep the process from anything else", async () => {
    const { entries, send } = service({ entries: 10_000, bytes: 16 << 20 });
    send(many(5_000));
    let turns = 0;
    while (entries.length < 5_000) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(turns).toBeGreaterThan(100);
  });
});
