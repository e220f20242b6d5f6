import { jest } from "@jest/globals";
import { fingerprintBytes } from "../../src/decode/fingerprint.js";
import { strictly } from "../../src/json/strict.js";
import { decodeWith } from "../decode/request.js";

const tool = { params: "{body}", environment: "{body.environment}" };

test("JSON as clients write it is read by one parser", () => {
  const closer = jest.spyOn(strictly, "refuseAmbiguity");
  const bodies = [
    '{"environment": "staging", "note": "Gr\\u00f6\\u00dfe \\ud83d\\ude00", "path": "C:\\\\temp\\n"}',
    '{"environment":"staging","resourceItems":[{"itemId":1,"unitPrice":1.25,"isActive":true}]}',
  ];
  for (const body of bodies) decodeWith(tool, { body });
  expect(closer).not.toHaveBeenCalled();
  closer.mockRestore();
});

test("the fingerprint of a call is written to bytes that are there already", () => {
  const viewOf = (action: string) =>
    fingerprintBytes({ agent: "a", session: "s", call: { ...decodeWith(tool, {}), action } });
  expect(viewOf("deploy")).not.toBeNull();
  expect(viewOf("deploy")).toBe(viewOf("verify"));
});

test("what a call has not is not made for each call", () => {
  const [one, other] = [decodeWith(tool, {}), decodeWith(tool, {})];
  expect([one.body, one.fromQuery, one.http.query, one.images]).toEqual([{}, [], [], []]);
  expect(one.body).toBe(other.body);
  expect(one.fromQuery).toBe(other.fromQuery);
  expect(one.http.query).toBe(other.http.query);
  expect(one.images).toBe(other.images);
  for (const shared of [one.body, one.fromQuery, one.http.query, one.images])
    expect(Object.isFrozen(shared)).toBe(true);
});
