/** Where a Redis server is, taken from a `redis://` or `rediss://` URL. */
export interface RedisAddress {
  host: string;
  port: number;
  db: number;
  username?: string;
  password?: string;
  tls: boolean;
}

/** Throws an `Error` without the URL's text, which may hold a password. */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") {
    throw new Error("a Redis store has the form redis://[user:password@]host[:port][/database]");
  }
  // A query would reach the client library as options and could undo the ones that keep calls bounded.
  if (url.search !== "" || url.hash !== "") throw new Error("a Redis store takes no ? or # in its URL");
  const db = /^\/?(\d{0,5})$/.exec(url.pathname);
  if (!db) throw new Error("the path of a Redis store is a database number");
  return {
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? 6379 : Number(url.port),
    db: Number(db[1]),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    tls: url.protocol === "rediss:",
  };
}
