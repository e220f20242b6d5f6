import type { Header, Json, QueryParameter } from "../call.js";
import { credentialShown } from "./input.js";
import { type Asked, type Judgement, type Judges, judge } from "./judge.js";

/** What these policies say of a call whose input document was recorded, or written by hand. Throws as `judge` does. */
export async function rejudge(input: { [name: string]: Json }, judges: Judges): Promise<Judgement> {
  return judge(askedAgain(input), judges);
}

/** The call behind an input document. What other policies had found out about it is left out. */
function askedAgain({ dlp: _, rego: __, ...input }: { [name: string]: Json }): Asked {
  const { headers, query, path } = Object(input.http) as Record<string, unknown>;
  const { unix_ms } = Object(input.time) as { unix_ms?: Json };
  const shown = headersOf(headers);
  const parameters = queryOf(query);
  const params = { ...(Object(input.params) as Record<string, Json>) };
  const hidden = new Set(shown.filter(({ value }) => value === credentialShown).map(({ name }) => name));
  return {
    input: { ...input, ...(unix_ms !== undefined && { time: { unix_ms } }) },
    call: {
      params,
      fromQuery: fromQuery(params, parameters),
      body: {},
      destination: { host: String((Object(input.destination) as { host?: unknown }).host ?? "") },
      http: { query: parameters, headers: shown, path: String(path ?? "") },
    },
    isCredential: (name) => hidden.has(name),
  };
}

function headersOf(headers: unknown): Header[] {
  return texts(headers).map(([name, value]) => ({ name, value }));
}

function queryOf(query: unknown): QueryParameter[] {
  return texts(query).map(([name, value]) => ({ raw: name, name, value }));
}

function texts(map: unknown): [string, string][] {
  return Object.entries(Object(map) as object).filter((entry): entry is [string, string] => {
    return typeof entry[1] === "string";
  });
}

/** An input does not say which parameters came from the query; they are those that have the value of a query parameter. */
function fromQuery(params: Readonly<Record<string, Json>>, query: readonly QueryParameter[]): string[] {
  const values = new Set(query.map(({ value }) => value));
  return Object.keys(params).filter(
    (name) => ["string", "number"].includes(typeof params[name]) && values.has(String(params[name])),
  );
}
