import { finder } from "../pattern.js";
import { apart, type Find, type Span } from "../span.js";

const host = "(?:[a-z0-9][a-z0-9.-]{0,252}|\\[[0-9a-f:.]{2,45}\\])";
const account = "[a-z0-9_.+-]{1,64}@";
const blanks = "[ \\t]{1,64}";
/** Where a command begins, with what may stand before its name: variables, commands that run it, and its path. */
const begun = `(?:^|[\\n;|&(\`"'])[ \\t]{0,64}`;
const before = "(?:sudo|exec|env|nohup|time|[A-Za-z_]\\w{0,63}=[^\\s;|&]{0,128})";
const command = `${begun}(?:${before}${blanks}){0,6}(?:/[A-Za-z/]{1,32})?`;
/** With these behind it, the name of the protocol begins a sentence. */
const verbs = "(?:is|are|was|were|has|had|does|will|must|should|can|cannot|may|might|and|or|for|from|to|in|on|with)";

const finders: readonly Find[] = [
  finder(/(?<![a-z0-9])(?:[a-z]{1,8}\+)?(?:ssh|sftp|scp)(?:\+[a-z]{1,8})?:\/\//i),
  // Where scp copies to and git fetches from. A digest of an image looks alike.
  finder(new RegExp(`(?<![a-z0-9_.+:/@-])${account}(?!sha\\d{3}:)${host}:[^\\s:]`, "i")),
  // Command lines: options or an account give them away anywhere.
  finder(
    new RegExp(
      `(?<![a-z0-9_.-])(?:ssh|scp|sftp|autossh|sshpass|ssh-copy-id)(?:\\.exe)?${blanks}(?:-[a-z0-9]|${account})`,
      "i",
    ),
  ),
  // So does the path on a host, which is no time of day.
  finder(
    new RegExp(
      `(?<![a-z0-9_.-])scp(?:\\.exe)?(?=[ \\t])[^\\n;|&]{0,128}?[ \\t](?!\\d{1,2}:\\d)${host}:(?:[\\w/~.$]|$|[\\n;|&])`,
      "i",
    ),
  ),
  // A host with a dot, which in capitals may be a version.
  finder(new RegExp(`(?<![A-Za-z0-9_.-])(?:ssh|sftp|autossh)${blanks}[A-Za-z0-9-]{1,63}\\.[A-Za-z0-9]`)),
  finder(
    new RegExp(
      `(?<![a-z0-9_.-])(?:ssh|sftp)${blanks}(?:(?!v\\d)[a-z][a-z0-9-]{0,62}\\.[a-z0-9]|\\d{1,3}(?:\\.\\d{1,3}){3})`,
      "i",
    ),
  ),
  // Any host, where a command begins.
  finder(new RegExp(`${command}(?:ssh|sftp|autossh)${blanks}[A-Za-z0-9$]`)),
  finder(new RegExp(`${command}(?:ssh|sftp|autossh)(?:\\.exe)?${blanks}(?!${verbs}\\b)[a-z0-9$]`, "i")),
  // Public keys (RFC 4253 section 6.6), as authorized_keys and known_hosts hold them.
  finder(/(?<![A-Za-z0-9])(?:sk-)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3})(?:@openssh\.com)?[ \t]{1,8}AAAA/),
];

/** SSH in any form: URLs, `user@host:path`, command lines, public keys. */
export function findSsh(text: string): Span[] {
  return apart(finders.flatMap((find) => find(text)));
}
