import type { Answer, Api, Sent } from "./fixture.js";

/** The page's own address, and what a browser says of a request that comes from it. */
export const ownPage = { origin: "http://127.0.0.1:9192", "sec-fetch-site": "same-origin" };

/** The cookies of an answer, as a browser sends them back. */
export function cookieOf(answer: Answer): string {
  return (answer.headers["set-cookie"] ?? []).map((line) => line.split(";", 1)[0]).join("; ");
}

export interface SignedIn {
  cookie: string;
  csrf: string;
  /** A request with the cookie alone. */
  send(sent: Sent): Promise<Answer>;
  /** One that the page makes. */
  change(sent: Sent): Promise<Answer>;
}

export function signInWith(made: Api, token: string, headers: Record<string, string> = ownPage): Promise<Answer> {
  return made.send({ method: "POST", url: "/approvals/session", headers, payload: { token } });
}

export async function signedIn(made: Api, name: string): Promise<SignedIn> {
  const answer = await signInWith(made, `token-${name}`);
  if (answer.statusCode !== 200) throw new Error(`not signed in: ${answer.body}`);
  const cookie = cookieOf(answer);
  const { csrf } = answer.json();
  return {
    cookie,
    csrf,
    send: (sent) => made.send({ ...sent, headers: { cookie, ...sent.headers } }),
    change: (sent) => made.send({ ...sent, headers: { cookie, ...ownPage, "x-csrf-token": csrf, ...sent.headers } }),
  };
}
