import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { type Browser, browser } from "./http_browser.js";

export const client = { id: "countersign-page", secret: "a secret of the client, for tests alone" };

/** A real OpenID provider on the loopback interface, where everybody may sign in under any name. */
export interface OpenId {
  issuer: string;
  /** Requests so far, by path. */
  asked: string[];
  /** Stops answering, or answers late, or well again. */
  is: "well" | "silent" | "broken";
  stop(): Promise<void>;
}

interface OpenIdOptions {
  redirectUri: string;
  /** `false`: an `email` that nobody has verified. */
  verified?: boolean;
  auth?: "client_secret_basic" | "client_secret_post" | "none";
}

export async function startOpenId({
  redirectUri,
  verified = true,
  auth = "client_secret_basic",
}: OpenIdOptions): Promise<OpenId> {
  const here: OpenId = { issuer: "", asked: [], is: "well", stop: async () => undefined };
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => {
    here.asked.push(request.url?.split("?", 1)[0] ?? "");
    if (here.is === "silent") return;
    if (here.is === "broken") return response.writeHead(500, { "content-type": "text/html" }).end("oops");
    return handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  here.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = quietly(
    () =>
      new Provider(here.issuer, {
        clients: [
          {
            client_id: client.id,
            redirect_uris: [redirectUri],
            response_types: ["code"],
            grant_types: ["authorization_code"],
            token_endpoint_auth_method: auth,
            ...(auth !== "none" && { client_secret: client.secret }),
          },
        ],
        clientAuthMethods: [auth],
        claims: { openid: ["sub"], email: ["email", "email_verified"] },
        // As Google, Okta and Microsoft do: the claims are in the ID token.
        conformIdTokenClaims: false,
        findAccount: (_context: unknown, id: string) => ({
          accountId: id,
          claims: () => ({ sub: id, email: id, email_verified: verified }),
        }),
        cookies: { keys: ["a key for tests alone"] },
        ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      }),
  );
  handle = provider.callback();
  here.stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return here;
}

/** It warns of everything that is for development only, which this is. */
function quietly<T>(make: () => T): T {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return make();
  } finally {
    console.warn = warn;
  }
}

/**
 * Signs in at the provider's own forms, from the address that the server sent the browser to until the one where the provider
 * sends it back; that one is not asked for yet.
 */
export async function signInAt(address: string, login: string, person: Browser = browser()): Promise<string> {
  const { origin } = new URL(address);
  let answer = await person.get(address);
  for (let step = 0; step < 12; step++) {
    const next = answer.headers.get("location");
    if (next !== null) {
      const url = new URL(next, origin);
      if (url.origin !== origin) return url.href;
      answer = await person.get(url.href);
      continue;
    }
    const page = await answer.text();
    const submit = / action="([^"]+)"/.exec(page)?.[1];
    if (submit === undefined) throw new Error(`no form: ${answer.status} ${page.slice(0, 400)}`);
    const prompt = page.includes('value="login"') ? { prompt: "login", login, password: "x" } : { prompt: "consent" };
    answer = await person.post(new URL(submit, origin).href, new URLSearchParams(prompt));
  }
  throw new Error("the provider asks without end");
}
