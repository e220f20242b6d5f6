import type { HttpRequest } from "../call.js";
import { overrideHeader } from "./index.js";

/** The request as if it had brought this override token, and none of its own; without one, as it is. */
export function bringing(override: string | null, request: HttpRequest): HttpRequest {
  if (override === null) return request;
  const others = request.headers.filter(({ name }) => name !== overrideHeader);
  return { ...request, headers: [...others, { name: overrideHeader, value: override }] };
}
