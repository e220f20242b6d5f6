import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { z } from "zod";
import { loadConfig } from "../config/load.js";
import { printable } from "../printable.js";
import { configOption, messageOf, WrongUse } from "./terminal.js";

/** Longest wait for an answer. */
const timeoutMs = 10_000;
const tokenForm = /^[!-~]{1,8192}$/;

export interface ApiOptions {
  config: string;
  url?: string;
  tokenFile?: string;
  json?: boolean;
}

/** Adds what every command takes that asks a running server. */
export function askingServer(command: Command): Command {
  return command
    .option(...configOption)
    .option("--url <url>", "base URL of the server (default: public_url of the configuration)")
    .option("--token-file <file>", "file with your token of people.yaml (or COUNTERSIGN_TOKEN)")
    .option("--json", "print the result as JSON");
}

/**
 * One request to the HTTP API, as the person whose token is given. Throws `WrongUse` for what the server refuses, and an
 * `Error` when it does not answer or cannot do it now.
 */
export async function ask<T>(
  options: ApiOptions,
  { method = "GET", path, body }: { method?: "GET" | "POST" | "PUT"; path: string; body?: object },
  form: z.ZodType<T>,
): Promise<T> {
  const base = baseUrl(options);
  const headers: Record<string, string> = { authorization: `Bearer ${tokenOf(options)}`, accept: "application/json" };
  if (body) headers["content-type"] = "application/json";
  const request = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const { status, text } = await exchange(base, path, request);
  const answer = parsed(text);
  if (status >= 400) throw refusalOf(status, problemForm.safeParse(answer).data, base);
  const result = form.safeParse(answer);
  if (!result.success) throw new Error(`what answers at ${base} is not this version of Countersign`);
  return result.data;
}

async function exchange(base: string, path: string, request: RequestInit): Promise<{ status: number; text: string }> {
  try {
    // A redirect would carry the token to wherever it leads.
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`${base}${path}`, { ...request, redirect: "error", signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const why = printable(messageOf(error));
    throw new Error(`no server answers at ${base} (${why}): is \`countersign serve\` running, and is --url right?`);
  }
}

const problemForm = z.looseObject({ detail: z.string(), reason: z.string() });

function refusalOf(status: number, problem: z.infer<typeof problemForm> | undefined, base: string): Error {
  if (!problem) return new Error(`what answers at ${base} is no Countersign: status ${status}`);
  const why = `${printable(problem.detail)} (${printable(problem.reason)})`;
  if (status === 401)
    return new WrongUse(`the server does not take the token: ${why}; give that of somebody in people.yaml`);
  return status < 500 ? new WrongUse(why) : new Error(`the server cannot do it now: ${why}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function baseUrl({ url, config }: ApiOptions): string {
  const text = url ?? loadConfig(config).public_url;
  const parsedUrl = URL.canParse(text) ? new URL(text) : null;
  if (!parsedUrl || !/^https?:$/.test(parsedUrl.protocol))
    throw new WrongUse("--url: write an http:// or https:// URL");
  if (parsedUrl.username !== "" || parsedUrl.password !== "" || /[?#]/.test(text)) {
    throw new WrongUse("--url: must have no user, query or fragment");
  }
  return parsedUrl.href.replace(/\/+$/, "");
}

/** Tokens come from a file or the environment: arguments of a process are there for everybody on the machine to see. */
function tokenOf({ tokenFile }: ApiOptions): string {
  const token = tokenFile === undefined ? process.env.COUNTERSIGN_TOKEN : readToken(tokenFile);
  if (!token) throw new WrongUse("give your token: in COUNTERSIGN_TOKEN, or in a file with --token-file");
  if (tokenForm.test(token)) return token;
  throw new WrongUse(`${tokenFile ?? "COUNTERSIGN_TOKEN"} holds no token: it must be visible characters on one line`);
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw new WrongUse(`--token-file: ${file} cannot be read`);
  }
}
