import { findPrivateKey } from "../../../src/dlp/detectors/private_key.js";
import { finds } from "./marked.js";

finds(findPrivateKey, [
  "a «-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----» b",
  "«-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----»",
  "«-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----»\n",
  "«-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n-----END PGP PRIVATE KEY BLOCK-----»",
  "«---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2\n---- END SSH2 ENCRYPTED PRIVATE KEY ----»",
  "key: «-----BEGIN EC PRIVATE KEY-----»",
  "«-----BEGIN PRIVATE KEY-----\nMIIE to the end»",
  "«-----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY-----» y «-----BEGIN PRIVATE KEY-----z»",
  "«PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 14»",
  "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
  "-----BEGIN CERTIFICATE-----",
  "-----END PRIVATE KEY-----",
  "BEGIN PRIVATE KEY",
]);
