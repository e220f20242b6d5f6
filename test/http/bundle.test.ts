import { type Api, api, as } from "./fixture.js";

let made: Api;
beforeEach(async () => {
  made = await api();
});
afterEach(() => made.app.close());

const get = (headers: Record<string, string> = {}, method = "GET") =>
  made.send({ method, url: "/bundles/countersign.tar.gz", headers: { ...as("viewer"), ...headers } });

test("the bundle, with its version for a tag", async () => {
  const answer = await get();
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    etag: '"sha256:9f2c"',
    "content-type": "application/gzip",
    "content-length": "6",
  });
  expect(answer.headers["content-encoding"]).toBeUndefined();
  expect(answer.body).toBe("bundle");
  const head = await get({}, "HEAD");
  expect([head.statusCode, head.headers["content-length"], head.body]).toEqual([200, "6", ""]);
});

test.each([
  ['"sha256:9f2c"', 304],
  ['W/"sha256:9f2c"', 304],
  ['"x", "sha256:9f2c"', 304],
  ["*", 304],
  ['"x"', 200],
  ["sha256:9f2c", 200],
  ["", 200],
])("if-none-match %p gets %i", async (tag, status) => {
  const answer = await get({ "if-none-match": tag });
  expect([answer.statusCode, answer.headers.etag]).toEqual([status, '"sha256:9f2c"']);
  expect(answer.body).toBe(status === 304 ? "" : "bundle");
});

test("a bundle that cannot be packed is an error of the server's, without its cause", async () => {
  await made.app.close();
  made = await api({ bundle: () => Promise.reject(new Error("/etc/secret is missing")) });
  const answer = await get();
  expect([answer.statusCode, answer.json().reason]).toEqual([500, "internal_error"]);
  expect(answer.body).not.toContain("secret");
  expect(made.logged).toHaveLength(1);
});
