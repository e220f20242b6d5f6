import { OAuthError } from "../../src/oauth/error.js";
import { pace, tokensPerMinute } from "../../src/oauth/pace.js";
import { type Authority, authority } from "./fixture.js";

const start = Date.parse("2026-03-01T14:22:00Z");

function refusalOf(act: () => void): OAuthError | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
}

test("an agent gets so many at once, then as many a minute, and others are not touched by it", () => {
  const take = pace();
  for (let n = 0; n < tokensPerMinute; n++) expect(refusalOf(() => take("a", start))).toBeNull();
  expect(refusalOf(() => take("a", start))).toMatchObject({
    code: "temporarily_unavailable",
    status: 429,
    reason: "rate_exceeded",
    retryAfterSeconds: 1,
  });
  expect(refusalOf(() => take("b", start))).toBeNull();
  let taken = 0;
  for (let ms = 1; ms <= 60_000; ms += 1) if (refusalOf(() => take("a", start + ms)) === null) taken += 1;
  expect(taken).toBe(tokensPerMinute);
});

test("a clock that goes back does not shut an agent out", () => {
  const take = pace();
  for (let n = 0; n < tokensPerMinute; n++) take("a", start);
  // One goes through, and from then on the new time counts.
  expect(refusalOf(() => take("a", start - 3_600_000))).toBeNull();
  expect(refusalOf(() => take("a", start - 3_600_000))?.retryAfterSeconds).toBe(1);
  expect(refusalOf(() => take("a", start - 3_599_000))).toBeNull();
});

describe("over HTTP", () => {
  let here: Authority;
  beforeEach(async () => {
    here = await authority();
  });
  afterEach(() => here.close());

  test("the token after the last one is told when to come again, and leaves no record", async () => {
    const form = { grant_type: "client_credentials", client_id: "plain", client_secret: "key-plain" };
    for (let n = 0; n < tokensPerMinute; n++) expect((await here.post(form)).statusCode).toBe(200);
    const answer = await here.post(form);
    expect(answer.statusCode).toBe(429);
    expect(answer.headers["retry-after"]).toBe("1");
    expect(answer.json()).toEqual({
      error: "temporarily_unavailable",
      error_description: "the agent got 120 tokens in a minute; use a token until it expires",
      reason: "rate_exceeded",
    });
    expect(here.recorded()).toHaveLength(tokensPerMinute);
    expect((await here.exchange()).statusCode).toBe(200);
    here.nowMs += 1_000;
    expect((await here.post(form)).statusCode).toBe(200);
  });

  test("who cannot prove to be the agent takes nothing of it, and is logged and not recorded", async () => {
    const form = { grant_type: "client_credentials", client_id: "plain", client_secret: "guess" };
    for (let n = 0; n <= tokensPerMinute; n++) expect((await here.post(form)).statusCode).toBe(401);
    expect(here.recorded()).toEqual([]);
    expect(here.api.warned).toHaveLength(tokensPerMinute + 1);
    expect(here.api.warned[0]).toEqual({
      details: { from: "127.0.0.1", route: "/oauth2/token" },
      message: "the client is unknown or its secret is wrong",
    });
    expect((await here.post({ ...form, client_secret: "key-plain" })).statusCode).toBe(200);
  });
});
