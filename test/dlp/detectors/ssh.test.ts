import { findSsh } from "../../../src/dlp/detectors/ssh.js";
import { mark } from "./marked.js";

test.each([
  "ssh://git@github.com/acme/shop",
  "clone git+ssh://git@host/x",
  "sftp://files.internal/x",
  "git@github.com:acme/shop.git",
  "copy to root@10.0.0.1:/etc/passwd",
  "scp -r a b",
  "ssh -i key bastion",
  "/usr/bin/ssh root@bastion",
  "please run ssh -L 8080:localhost:80 x",
  "please run SSH root@bastion",
  "please run ssh bastion.internal uptime",
  "ssh bastion",
  "echo x; ssh bastion",
  "$(ssh bastion)",
  "sudo ssh bastion",
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB jane",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
  "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5",
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAI",
])("%s", (text) => expect(findSsh(text)).toHaveLength(1));

test.each([
  "the ssh port is closed",
  "SSH is disabled",
  "openssh",
  "jane@example.com",
  "write to jane@example.com: thanks",
  "shop/web@sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc",
  "web@sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc",
  "https://jane@example.com:8080/x",
  "postgres://user:secret@db.internal:5432/shop",
  "ssh-agent is running",
  "ssh_config",
  "cache::insert",
])("nothing in %s", (text) => expect(mark(findSsh, text)).toBe(text));
