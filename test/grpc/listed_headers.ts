import type { CheckRequest } from "../../src/grpc/messages.js";

/** The request with its header lines as the decoder of what is plain gives them. */
export function withLines(request: CheckRequest): CheckRequest {
  const { attributes } = request;
  const http = attributes?.request?.http;
  if (!attributes?.request || !http?.header_map?.headers) return request;
  const lines = http.header_map.headers
    .map(({ key, raw_value }) => ({ name: key, value: raw_value.toString("latin1") }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return {
    attributes: { ...attributes, request: { ...attributes.request, http: { ...http, header_map: { lines } } } },
  };
}

/** The request with its headers as the complete decoder gives them: as members of an object, in their order. */
export function withHeaderObject(request: CheckRequest): CheckRequest {
  const { attributes } = request;
  const http = attributes?.request?.http;
  if (!attributes?.request || !http || !Array.isArray(http.headers)) return request;
  const headers = Object.fromEntries(http.headers.map(({ name, value }) => [name, value]));
  return { attributes: { ...attributes, request: { ...attributes.request, http: { ...http, headers } } } };
}

/** The names of the headers, in the order in which whoever reads them sees them. */
export function headerNames({ attributes }: CheckRequest): string[] {
  const headers = attributes?.request?.http?.headers ?? {};
  return Array.isArray(headers) ? headers.map(({ name }) => name) : Object.keys(headers);
}
