import { finder } from "../pattern.js";
import { apart, type Find, type Span } from "../span.js";

const host = "(?:[a-z0-9][a-z0-9.-]{0,252}|\\[[0-9a-f:.]{2,45}\\])";
const account = "[a-z0-9_.+-]{1,64}@";

const finders: readonly Find[] = [
  finder(/(?<![a-z0-9])(?:[a-z]{1,8}\+)?(?:ssh|sftp|scp)(?:\+[a-z]{1,8})?:\/\//i),
  // Where scp copies to and git fetches from. A digest of an image looks alike.
  finder(new RegExp(`(?<![a-z0-9_.+:/@-])${account}(?!sha\\d{3}:)${host}:[^\\s:]`, "i")),
  // Command lines: options or an account give them away anywhere.
  finder(
    new RegExp(
      `(?<![a-z0-9_.-])(?:ssh|scp|sftp|autossh|sshpass|ssh-copy-id)(?:\\.exe)?[ \\t]{1,8}(?:-[a-z0-9]|${account})`,
      "i",
    ),
  ),
  // A host with a dot.
  finder(/(?<![A-Za-z0-9_.-])(?:ssh|sftp|autossh)[ \t]{1,8}[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]/),
  // Any host, where a command begins.
  finder(/(?<=^|[\n;|&(`"'])[ \t]{0,8}(?:sudo |exec )?(?:\/[a-z/]{1,32})?(?:ssh|sftp|autossh) {1,8}[A-Za-z0-9$]/),
  // Public keys (RFC 4253 section 6.6), as authorized_keys and known_hosts hold them.
  finder(/(?<![A-Za-z0-9])(?:sk-)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3})(?:@openssh\.com)?[ \t]{1,8}AAAA/),
];

/** SSH in any form: URLs, `user@host:path`, command lines, public keys. */
export function findSsh(text: string): Span[] {
  return apart(finders.flatMap((find) => find(text)));
}
