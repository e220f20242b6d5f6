import { jest } from "@jest/globals";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { read } from "../../src/read/index.js";
import { respond } from "../../src/respond/index.js";
import { parts } from "../respond/parts.js";

const protos = loadProtos();
const socket = (port_value: number) => ({ socket_address: { address: "10.0.0.1", port_value } });

/** As joined headers and text, or as header lines and bytes, in which form the shipped Envoy configuration asks. */
function message(id: string, raw: boolean): Buffer {
  const pseudo = { ":method": "POST", ":path": "/v1/deploy", ":authority": "deploy.internal", ":scheme": "http" };
  const headers = {
    ...pseudo,
    authorization: `Bearer ${"t".repeat(500)}`,
    "content-type": "application/json",
    "content-length": "2",
    accept: "*/*",
    "user-agent": "agent/1",
    "x-request-id": id,
  };
  const lines = Object.entries(headers).map(([key, value]) => ({ key, raw_value: Buffer.from(value) }));
  const said = raw ? { header_map: { headers: lines }, raw_body: Buffer.from("{}") } : { headers, body: "{}" };
  const http = { id, method: "POST", path: "/v1/deploy", host: "deploy.internal", scheme: "http", ...said };
  return protos.encodeRequest({ attributes: { source: { address: socket(1) }, request: { http } } });
}

afterEach(() => void jest.restoreAllMocks());

test.each([
  // The addresses of the peer, the id twice, the token, the path and the body.
  ["joined headers", false, 6],
  ["header lines", true, 5],
])("of a call like the one before in %s, only what differs is made into text", (_, raw, texts) => {
  const [first, second] = ["01", "02"].map((end) => message(`0000000000000000000000000000000000${end}`, raw));
  if (!first || !second) throw new Error("no messages");
  protos.decodeRequest(first);
  const toText = jest.spyOn(second, "toString");
  const request = read(protos.decodeRequest(second), { maxBodyBytes: 1_000 });
  expect(toText).toHaveBeenCalledTimes(texts);
  expect(request.headers).toHaveLength(6);
  // In neither form is it made into the other one.
  expect(typeof request.body).toBe(raw ? "object" : "string");
});

test("answers share memory, and an answer that was given is never written again", () => {
  const slabs = jest.spyOn(Buffer, "allocUnsafeSlow");
  const answer = (n: number) => protos.encodeResponse(respond({ ...parts, decisionId: `decision-${n}` }));
  const given = Array.from({ length: 500 }, (_, n) => answer(n));
  expect(slabs.mock.calls.length).toBeLessThanOrEqual(10);
  given.forEach((bytes, n) => {
    expect(JSON.stringify(protos.decodeResponse(bytes))).toContain(`decision-${n}"`);
  });
});
