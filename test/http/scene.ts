import type { routeAccess } from "../../src/http/access.js";
import type { HttpDeps } from "../../src/http/server.js";
import type { Answer, Api } from "./fixture.js";

export type Route = keyof typeof routeAccess;
export type Headers = Record<string, string>;

export interface More {
  headers?: Headers;
  payload?: string | object;
  /** Stands for the variable of the path. */
  id?: string;
  query?: string;
}

export type Send = (route: Route, about: string, more?: More) => Promise<Answer>;

/** Starts a server; what is sent to it is kept. */
export type Open = (more?: Partial<HttpDeps>) => Promise<{ made: Api; send: Send }>;
