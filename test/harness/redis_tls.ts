import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authority } from "../identify/svid.js";
import { freePort } from "./process.js";
import { type OwnRedis, type RedisSettings, startRedisServer } from "./redis.js";

/** Certificates for servers on this host, and for a client, as files. */
export interface RedisCertificates {
  /** `tls` of a store. */
  readonly client: { ca_file: string; cert_file: string; key_file: string };
  /** For a server that asks its clients for certificates. */
  readonly settings: RedisSettings;
  remove(): Promise<void>;
}

/** `hosts` are the names that the server's certificate is for. */
export async function redisCertificates(
  hosts: { ips?: string[]; dns?: string[] } = { ips: ["127.0.0.1"], dns: ["localhost"] },
): Promise<RedisCertificates> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-redis-tls-"));
  const ca = await authority();
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  const pair = async (subject: string) => {
    const { cert, key } = await ca.issue({ subject, ...hosts });
    return { cert_file: await write(`${subject}.crt`, cert), key_file: await write(`${subject}.key`, key) };
  };
  const ca_file = await write("ca.crt", ca.cert);
  const server = await pair("server");
  return {
    client: { ca_file, ...(await pair("client")) },
    settings: {
      "tls-ca-cert-file": ca_file,
      "tls-cert-file": server.cert_file,
      "tls-key-file": server.key_file,
      "tls-auth-clients": "yes",
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A server that speaks TLS at `secureUrl`, and plain text at `url` for the test itself. */
export async function startTlsRedis(
  program: string,
  certificates: RedisCertificates,
): Promise<OwnRedis & { readonly secureUrl: string }> {
  const port = await freePort();
  const server = await startRedisServer(program, { ...certificates.settings, "tls-port": String(port) });
  return { ...server, secureUrl: `rediss://127.0.0.1:${port}/0` };
}
