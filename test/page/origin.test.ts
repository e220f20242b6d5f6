import { ownOrigin } from "../../src/page/origin.js";

const here = "127.0.0.1:9192";
const secure = ownOrigin("https://countersign.example/");
const plain = ownOrigin("http://127.0.0.1:9192");

test.each<[boolean, string | undefined, string | undefined, string | undefined]>([
  [true, "https://countersign.example", "countersign.example", "same-origin"],
  // Behind a proxy that names another host, and from a browser that says no more.
  [true, "https://countersign.example", "upstream:9192", undefined],
  [false, undefined, "countersign.example", "same-origin"],
  [false, "null", "countersign.example", undefined],
  [false, "", "", undefined],
  [false, "https://countersign.example", "countersign.example", "same-site"],
  [false, "https://countersign.example", "countersign.example", "cross-site"],
  [false, "https://countersign.example", "countersign.example", "none"],
  [false, "http://countersign.example", "countersign.example", undefined],
  [false, "https://countersign.example:8443", "countersign.example:8443", undefined],
  [false, "https://evil.example", "evil.example", "same-origin"],
  [false, "https://countersign.example.evil.example", "countersign.example", undefined],
  [false, "https://countersign.example, https://evil.example", "countersign.example", undefined],
  [false, "http://localhost:9192", "localhost:9192", "same-origin"],
])("https: %p for origin %p at host %p, %p", (wanted, origin, host, fetchSite) => {
  expect(secure({ origin, host, fetchSite })).toBe(wanted);
});

test.each<[boolean, string | undefined, string | undefined]>([
  [true, "http://127.0.0.1:9192", here],
  [true, "http://localhost:9192", "localhost:9192"],
  [true, "http://[::1]:9192", "[::1]:9192"],
  [true, "http://127.0.0.1:40123", "127.0.0.1:40123"],
  [false, "http://localhost:8080", "localhost:9192"],
  [false, "http://localhost:9192", here],
  [false, "https://localhost:9192", "localhost:9192"],
  // A name that an attacker points at this machine.
  [false, "http://evil.example:9192", "evil.example:9192"],
  [false, "http://127.0.0.1.evil.example", "127.0.0.1.evil.example"],
  [false, "http://x", "127.0.0.1@x"],
  [false, "null", "null"],
  [false, "http://", ""],
  [false, undefined, here],
  [false, "http://localhost:9192", undefined],
])("http: %p for origin %p at host %p", (wanted, origin, host) => {
  expect(plain({ origin, host, fetchSite: undefined })).toBe(wanted);
});
