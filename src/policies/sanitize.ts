import { z } from "zod";
import { isProxyHeader } from "../proxy_headers.js";
import type { SanitizeDocument } from "./document.js";
import { anyKeys } from "./rule.js";

/** RFC 9110 section 5.1 token, lower case. Headers that Envoy or Countersign own cannot be changed by a policy. */
const headerName = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^`|~-]+$/, "a header name is lower-case letters, digits and - (no underscore)")
  .refine((name) => !isProxyHeader(name), "this header belongs to the proxy and cannot be changed by a policy");
const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/, "a header value is visible ASCII");
/** What Envoy accepts in a query it is told to write (`validate_mutations`); it takes no percent-encoding there. */
const queryText = /^[A-Za-z0-9_.*-]*$/;
const queryName = z.string().min(1).regex(queryText, "a query parameter name is letters, digits and - . _ *");
const queryValue = z.string().regex(queryText, "Envoy sets only query values of letters, digits and - . _ *");

/** Envoy removes after it sets, so what is in both would be gone; what is set cannot be what was redacted either. */
function changes(set: z.ZodType<Record<string, string>>, named: z.ZodType<string>) {
  const names = z.array(named).optional();
  return z
    .strictObject({ set: anyKeys(set).optional(), remove: names, redact: names })
    .superRefine((value, context) => {
      const clash = (key: "remove" | "redact", others: readonly (readonly [string, readonly string[]])[]): void => {
        for (const [index, name] of (value[key] ?? []).entries()) {
          const other = others.find(([, names]) => names.includes(name));
          if (!other) continue;
          const message = `\`${name}\` is both ${other[0]} and ${key === "remove" ? "removed" : "redacted"}`;
          context.addIssue({ code: "custom", path: [key, index], message });
        }
      };
      const set = ["set", Object.keys(value.set ?? {})] as const;
      clash("remove", [set]);
      clash("redact", [set, ["removed", value.remove ?? []]]);
    })
    .optional();
}

/** `sanitize`: what is changed in the headers and the query of the call before it goes on. */
export const sanitizeSchema = z
  .strictObject({
    headers: changes(z.record(headerName, headerValue), headerName),
    query: changes(z.record(queryName, queryValue), z.string().min(1)),
  })
  .describe("changes of headers and query before the call goes on");

/** The written form with every part there. */
export function compileSanitize({ headers, query }: z.output<typeof sanitizeSchema>): SanitizeDocument {
  return { headers: complete(headers), query: complete(query) };
}

function complete(part: z.output<typeof sanitizeSchema>["headers"]): SanitizeDocument["headers"] {
  return { set: part?.set ?? {}, remove: part?.remove ?? [], redact: part?.redact ?? [] };
}
