import { findEmail } from "../../../src/dlp/detectors/email.js";
import { finds } from "./marked.js";

finds(findEmail, [
  "«jane@example.com»",
  "write to «jane.doe+tag@mail.example.co.uk», please",
  '<«jane@example.com»>, "«joe@example.org»";«x_y@a-b.io»',
  "to=«jane@example.com»&cc=«joe@example.com»",
  "ends «jane@example.com».",
  "mailto:«jane@example.com»?subject=x",
  "«jörg@müller.de»",
  "«jane@xn--mller-kva.de»",
  "«JANE@EXAMPLE.COM»",
  "«jane@example.com»-and more",
  `${"x".repeat(10)}«${"a".repeat(64)}@example.com»`,
  "jane@localhost",
  "a @ b.com",
  "@example.com",
  "jane@example",
  "jane@example.c",
  "package@1.2.3-beta.one",
  "git@github.com:acme/shop.git",
  "«jane@github.com»:acme",
  "web@sha256:7173b809ca12ec5d",
  "@@@@",
]);
