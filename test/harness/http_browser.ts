import { parseSetCookie } from "cookie";

/** What keeps cookies and follows no redirect by itself, for one host. */
export interface Browser {
  cookies: Map<string, string>;
  get(url: string, headers?: Record<string, string>): Promise<Response>;
  post(url: string, body: URLSearchParams): Promise<Response>;
}

export function browser(): Browser {
  const cookies = new Map<string, string>();

  async function send(url: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie !== "" && { cookie }), ...init.headers };
    const response = await fetch(url, { ...init, redirect: "manual", headers });
    for (const line of response.headers.getSetCookie()) {
      const { name, value = "", maxAge, expires } = parseSetCookie(line);
      const isOver = maxAge === 0 || (expires !== undefined && expires.getTime() <= Date.now());
      if (isOver) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  return {
    cookies,
    get: (url, headers = {}) => send(url, { headers }),
    post: (url, body) => send(url, { method: "POST", body }),
  };
}
