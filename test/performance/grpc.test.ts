import { jest } from "@jest/globals";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { read } from "../../src/read/index.js";
import { respond } from "../../src/respond/index.js";

const protos = loadProtos();
const socket = (port_value: number) => ({ socket_address: { address: "10.0.0.1", port_value } });

function message(id: string): Buffer {
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
  const http = { id, method: "POST", path: "/v1/deploy", host: "deploy.internal", scheme: "http", headers, body: "{}" };
  return protos.encodeRequest({ attributes: { source: { address: socket(1) }, request: { http } } });
}

afterEach(() => void jest.restoreAllMocks());

test("of a call like the one before, only what differs is made into text", () => {
  const [first, second] = ["01", "02"].map((end) => message(`0000000000000000000000000000000000${end}`));
  if (!first || !second) throw new Error("no messages");
  protos.decodeRequest(first);
  const toText = jest.spyOn(second, "toString");
  const request = read(protos.decodeRequest(second), { maxBodyBytes: 1_000 });
  // The addresses of the peer, the id twice, the token, the path and the body.
  expect(toText).toHaveBeenCalledTimes(6);
  expect(request.headers).toHaveLength(6);
});

test("answers share memory, and an answer that was given is never written again", () => {
  const slabs = jest.spyOn(Buffer, "allocUnsafeSlow");
  const allow = { verdict: "allow", reason: "allowed", detail: "", violations: [], sanitize: [] } as const;
  const answer = (n: number) =>
    protos.encodeResponse(
      respond({
        decisionId: `decision-${n}`,
        computed: allow,
        enforced: allow,
        mode: "enforce",
        policyVersion: "sha256:9f2c",
        agentId: "bot",
        tool: "deploy-api",
        action: "deploy",
        headers: [],
        query: [],
        credentialHeader: "authorization",
        statusUrl: () => "",
      }),
    );
  const given = Array.from({ length: 500 }, (_, n) => answer(n));
  expect(slabs.mock.calls.length).toBeLessThanOrEqual(10);
  given.forEach((bytes, n) => {
    expect(JSON.stringify(protos.decodeResponse(bytes))).toContain(`decision-${n}"`);
  });
});
