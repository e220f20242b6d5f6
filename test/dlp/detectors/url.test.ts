import { findUrl } from "../../../src/dlp/detectors/url.js";
import { finds, harmless, mark } from "./marked.js";

finds(findUrl, [
  "«https://example.com/x?y=1#z» and «ftp://a»",
  '"«http://example.com»"',
  "«git+ssh://git@host/x»",
  "«HTTP://EXAMPLE.COM»",
  "«http:example.com»",
  "«https:\\\\example.com»",
  "«//example.com/x»",
  "src='«//cdn/x»'",
  "«//host»",
  "«///evil.com»",
  "«///////evil.com/x»",
  "see «////////evil.com»",
  "a///b/c",
  "///",
  "//////////////// a comment",
  "«www.example.com»",
  "see «www2.example.com»",
  "«file:///etc/passwd»",
  "a//b/c",
  "// a comment",
  "//TODO mend",
  "see http: later",
  "12:30",
  "std::vector",
  "example.com",
  "awww.then",
]);

test.each(harmless)("nothing in %s", (text) => expect(mark(findUrl, text)).toBe(text));
