import { parseCookie, stringifySetCookie } from "cookie";

/** The cookies of the page, and when a browser sends them. */
const cookies = {
  /** Who has signed in. Only to what our own pages ask for. */
  session: { name: "countersign_session", sameSite: "strict" },
  /** What a link has opened. The link stands on another site, and what comes after it must see the cookie. */
  link: { name: "countersign_link", sameSite: "lax" },
  /** A sign-in that is under way at the provider, who sends the browser back from another site. */
  signIn: { name: "countersign_sign_in", sameSite: "lax" },
} as const;
type CookieKind = keyof typeof cookies;

export interface PageCookies {
  /**
   * The value of each cookie that was sent, by `Cookie` headers. Throws `RepeatedCookie`: of two of a name nobody could say
   * which one was set by us, and not by a neighbour of our host.
   */
  read(headers: readonly string[]): Partial<Record<CookieKind, string>>;
  /** As a `Set-Cookie` header; lives `ms` milliseconds, in whole seconds. */
  set(kind: CookieKind, value: string, ms: number): string;
  /** The `Set-Cookie` header that ends it. */
  clear(kind: CookieKind): string;
}

/** Two cookies of one name. */
export class RepeatedCookie extends Error {
  override readonly name = "RepeatedCookie";
}

/** Over https they are for this host alone and never sent in the clear (`__Host-`, RFC 6265bis section 4.1.3). */
export function pageCookies(publicUrl: string): PageCookies {
  const secure = new URL(publicUrl).protocol === "https:";
  const nameOf = (kind: CookieKind) => `${secure ? "__Host-" : ""}${cookies[kind].name}`;
  const kinds = new Map((Object.keys(cookies) as CookieKind[]).map((kind) => [nameOf(kind), kind]));
  const set = (kind: CookieKind, value: string, ms: number) =>
    stringifySetCookie({
      name: nameOf(kind),
      value,
      httpOnly: true,
      sameSite: cookies[kind].sameSite,
      path: "/",
      secure,
      maxAge: Math.max(0, Math.floor(ms / 1000)),
    });

  return {
    read(headers) {
      const found: Partial<Record<CookieKind, string>> = {};
      // One at a time, since a parser of the whole would keep one of two without a word.
      const pairs = headers.flatMap((header) => header.split(";")).map((pair) => parseCookie(pair));
      for (const [name, value] of pairs.flatMap((pair) => Object.entries(pair))) {
        const kind = kinds.get(name);
        if (kind === undefined) continue;
        if (found[kind] !== undefined) throw new RepeatedCookie(`there are two cookies ${name}`);
        found[kind] = value ?? "";
      }
      return found;
    },
    set,
    clear: (kind) => set(kind, "", 0),
  };
}
