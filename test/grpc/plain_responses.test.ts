import fc from "fast-check";
import { encodePlainResponse } from "../../src/grpc/encode_response.js";
import { loadProtos } from "../../src/grpc/load_protos.js";
import type { CheckResponse } from "../../src/grpc/messages.js";
import { toStruct } from "../../src/grpc/struct.js";

const protos = loadProtos();

describe("responses", () => {
  const ascii = fc.string({ unit: "binary-ascii", maxLength: 200 });
  const said = fc.oneof({ weight: 9, arbitrary: ascii }, { weight: 1, arbitrary: fc.string({ unit: "binary" }) });
  const option = fc.record(
    {
      header: fc.record({ key: said, value: said }),
      append_action: fc.constantFrom(
        "APPEND_IF_EXISTS_OR_ADD" as const,
        "ADD_IF_ABSENT" as const,
        "OVERWRITE_IF_EXISTS_OR_ADD" as const,
        "OVERWRITE_IF_EXISTS" as const,
      ),
      keep_empty_value: fc.boolean(),
    },
    { requiredKeys: ["header", "append_action"] },
  );
  const options = fc.array(option, { maxLength: 4 });
  const names = fc.array(said, { maxLength: 4 });
  const okResponse = fc.record(
    {
      headers: options,
      headers_to_remove: names,
      response_headers_to_add: options,
      query_parameters_to_set: fc.array(fc.record({ key: said, value: said }), { maxLength: 3 }),
      query_parameters_to_remove: names,
    },
    { requiredKeys: [] },
  );
  const deniedResponse = fc.record(
    { status: fc.record({ code: fc.integer({ min: 200, max: 599 }) }), headers: options, body: said },
    { requiredKeys: ["status"] },
  );
  const refusal = fc.record({ code: fc.integer({ min: 1, max: 16 }), message: said }, { requiredKeys: ["code"] });
  const members = fc
    .dictionary(
      said,
      fc.oneof(said, fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    )
    .map(toStruct);
  const response = fc
    .tuple(
      fc.oneof(
        okResponse.map((ok) => ({ status: { code: 0 as const }, ok_response: ok })),
        fc.tuple(refusal, deniedResponse).map(([status, denied]) => ({ status, denied_response: denied })),
        fc.tuple(refusal, deniedResponse).map(([status, failed]) => ({ status, error_response: failed })),
      ),
      fc.option(members, { nil: undefined }),
    )
    .map(([answer, metadata]): CheckResponse => ({ ...answer, ...(metadata && { dynamic_metadata: metadata }) }));

  test("are the same bytes as the complete encoder's, or left to that one", () => {
    let plain = 0;
    fc.assert(
      fc.property(response, (given) => {
        const ours = encodePlainResponse(given);
        if (ours === null) return;
        plain += 1;
        expect(ours.toString("hex")).toBe(protos.method.responseSerialize(given).toString("hex"));
      }),
      { numRuns: 1_000, interruptAfterTimeLimit: 5_000 },
    );
    expect(plain).toBeGreaterThan(20);
  });

  test.each<[string, CheckResponse]>([
    ["text beyond ASCII", { status: { code: 7, message: "ä" }, denied_response: { status: { code: 403 } } }],
    ["a number", { status: { code: 0 }, ok_response: {}, dynamic_metadata: toStruct({ a: 1 }) }],
    [
      "a member named __proto__",
      {
        status: { code: 0 },
        ok_response: {},
        dynamic_metadata: toStruct(Object.fromEntries([["__proto__", "a"]])),
      },
    ],
  ])("%s is left to the complete encoder", (_, given) => {
    expect(encodePlainResponse(given)).toBeNull();
    expect(protos.encodeResponse(given).toString("hex")).toBe(protos.method.responseSerialize(given).toString("hex"));
  });
});
