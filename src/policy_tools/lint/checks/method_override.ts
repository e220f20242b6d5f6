import { isMethodOverride } from "../../../method_override.js";
import { type Check, forEntries } from "../check.js";

/** Query parameters by which tools take another method; headers are refused where they come from an agent. */
const queryOverrides = ["_method", "x-http-method-override"];

/** `sanitize` that makes a tool do another method than the one that was judged. */
export const methodOverride: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source: { sanitize } }, _, told) => {
      const headers = Object.keys(sanitize?.headers?.set ?? {}).filter(isMethodOverride);
      const query = Object.keys(sanitize?.query?.set ?? {}).filter((name) =>
        queryOverrides.includes(name.toLowerCase()),
      );
      const message = "with this a tool may do another method than the one that was judged";
      return [
        ...headers.map((name) => told(["sanitize", "headers", "set", name], message)),
        ...query.map((name) => told(["sanitize", "query", "set", name], message)),
      ];
    }),
};
