import { type Api, api, as } from "./fixture.js";

let made: Api;
beforeAll(async () => {
  made = await api();
});
afterAll(() => made.app.close());

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

test.each(["/approvals", "/approvals/apr_1", "/approvals/apr_1?colour=red"])("%s is the page", async (url) => {
  const answer = await made.send({ url });
  expect(answer.statusCode).toBe(200);
  expect(answer.body).toMatch(/^<!doctype html>/);
  expect(answer.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
  });
  expect(answer.headers["set-cookie"]).toBeUndefined();
});

test("nothing in the page is from elsewhere, or runs by itself", async () => {
  const { body } = await made.send({ url: "/approvals" });
  const places = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, place]) => place);
  expect(places.length).toBeGreaterThan(1);
  expect(places.filter((place) => !/^(\/approvals(\/|$)|#)/.test(place ?? ""))).toEqual([]);
  expect(body).not.toMatch(/<script(?![^>]* src=)|<style|style=|\son\w+=/i);
});

test.each([
  ["approvals.js", "text/javascript; charset=utf-8"],
  ["approvals.css", "text/css; charset=utf-8"],
])("%s comes with its type, and once", async (name, type) => {
  const url = `/approvals/assets/${name}`;
  const first = await made.send({ url });
  expect(first.statusCode).toBe(200);
  expect(first.headers).toMatchObject({
    "content-type": type,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
  const again = await made.send({ url, headers: { "if-none-match": String(first.headers.etag) } });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
  expect((await made.send({ url, headers: { "if-none-match": '"x"' } })).statusCode).toBe(200);
});

test.each([
  "tsconfig.json",
  "approvals.html",
  "..%2fpage.ts",
  "..%2f..%2fserver.ts",
  "%2e%2e%2fpage.js",
  "..%5cpage.js",
  "approvals.js%00",
  "APPROVALS.JS",
  "__proto__",
  "constructor",
  "%zz",
])("there is no asset %s", async (name) => {
  expect((await made.send({ url: `/approvals/assets/${name}` })).statusCode).toBeGreaterThanOrEqual(400);
});

test.each(["a%20b", "%3Cscript%3E", "..", "x".repeat(65), "a%0d%0ab"])("there is no page %s", async (id) => {
  const answer = await made.send({ url: `/approvals/${id}` });
  expect([400, 404]).toContain(answer.statusCode);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
});

test.each(["POST", "PUT", "PATCH", "DELETE"])("%s changes nothing there", async (method) => {
  for (const url of ["/approvals", "/approvals/apr_1", "/approvals/open", "/approvals/oidc/start"]) {
    expect([404, 405]).toContain((await made.send({ method, url, headers: as("bob") })).statusCode);
  }
});
