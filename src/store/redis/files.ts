import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { TlsMaterial } from "./address.js";

/** `tls` of a store in the configuration. */
interface TlsFiles {
  ca_file?: string | undefined;
  cert_file?: string | undefined;
  key_file?: string | undefined;
}

/** Throws an `Error` for the operator when a file cannot be used. */
export async function readTls({ ca_file, cert_file, key_file }: TlsFiles): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    ca_file === undefined ? undefined : readCertificate("ca_file", ca_file),
    cert_file === undefined ? undefined : readCertificate("cert_file", cert_file),
    key_file === undefined ? undefined : read("tls.key_file", key_file),
  ]);
  const material = { ...(ca && { ca }), ...(cert && { cert }), ...(key !== undefined && { key }) };
  try {
    createSecureContext(material);
  } catch {
    // The cause could repeat what is in the key's file.
    throw new Error(`store: ${key_file} (tls.key_file) is not the PEM key of ${cert_file} (tls.cert_file)`);
  }
  return material;
}

/** One line; what ends it is not part of it. */
export async function readPassword(path: string): Promise<string> {
  const password = (await read("password_file", path)).replace(/\r?\n$/, "");
  if (password === "" || /[\r\n]/.test(password))
    throw new Error(`store: ${path} (password_file) does not hold one line`);
  return password;
}

/** An empty authority would leave the choice to Node, so each file has to hold a certificate. */
async function readCertificate(key: string, path: string): Promise<string> {
  const text = await read(`tls.${key}`, path);
  try {
    new X509Certificate(text);
  } catch {
    throw new Error(`store: ${path} (tls.${key}) is not a PEM certificate`);
  }
  return text;
}

function read(key: string, path: string): Promise<string> {
  return readFile(path, "utf8").catch(({ code }: NodeJS.ErrnoException) => {
    throw new Error(`store: ${path} (${key}) cannot be read (${code})`);
  });
}
