/** Where one server is. */
export interface NodeAddress {
  host: string;
  port: number;
}

/** How a server lets us in. The same for all nodes of a cluster. */
export interface Access {
  username?: string;
  password?: string;
  /** `false` = plain text. */
  tls: false | TlsMaterial;
}

/** PEM. Without `ca` the roots that Node trusts. */
export interface TlsMaterial {
  ca?: string;
  cert?: string;
  key?: string;
}

/** Where a Redis server is, taken from a `redis://` or `rediss://` URL. */
export interface RedisAddress extends NodeAddress, Access {
  db: number;
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
    tls: url.protocol === "rediss:" ? {} : false,
  };
}

/** A node by its name, `host:port`; an IPv6 host may stand in brackets. */
export function nodeAt(name: string): NodeAddress {
  const colon = name.lastIndexOf(":");
  return { host: name.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(name.slice(colon + 1)) };
}

export function nameOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}
