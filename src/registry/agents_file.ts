import type { z } from "zod";
import { sha256Hex } from "../canonical.js";
import { type ListPiece, listPieces } from "../files/list_pieces.js";
import { InvalidFile, locate, type Path, type Problem, parseLocated } from "../files/located_yaml.js";
import { inOnePiece } from "../one_piece.js";
import { atOnce } from "../slices.js";
import { type AgentEntry, type AgentIndex, indexAgents } from "./agent_index.js";
import { agentsSchema } from "./agents_schema.js";

/** What `agents.yaml` says. */
export interface AgentsFile extends AgentIndex {
  entries: readonly AgentEntry[];
}

/** Entries that stand one after the other. */
interface Part {
  entries: readonly AgentEntry[];
  /** The mistake at a path, which counts the entries of the part. */
  problem(path: Path, message: string): Problem;
}

/** The pieces of the last long file, by their text. */
let lately: ReadonlyMap<string, readonly AgentEntry[]> = new Map();

/** Reads `agents.yaml`. Throws `InvalidFile` with every mistake. */
export function parseAgentsFile(file: string, text: string): AgentsFile {
  return atOnce(readAgentsFile(file, text));
}

/** Reads it in steps. Of a long file, what stood in the last one too is not read again. */
export function* readAgentsFile(file: string, text: string): Generator<void, AgentsFile> {
  const pieces = yield* listPieces("agents", text);
  const parts = (pieces && (yield* partsOf(file, pieces))) ?? [wholeOf(file, text)];
  const problems = yield* doubles(parts);
  if (problems.length > 0) throw new InvalidFile(problems);
  const entries = parts.flatMap((part) => part.entries);
  return { entries, ...(yield* indexAgents(entries)) };
}

function wholeOf(file: string, text: string): Part {
  const { problem, value } = parseLocated(file, text, agentsSchema);
  return { entries: entriesOf(value), problem };
}

/** Each piece by itself; the mistakes of all are told together. `null` when they are not the pieces of a list. */
function* partsOf(file: string, pieces: readonly ListPiece[]): Generator<void, Part[] | null> {
  const now = new Map<string, readonly AgentEntry[]>();
  const problems: Problem[] = [];
  const parts: Part[] = [];
  for (const piece of pieces) {
    const text = `agents:\n${piece.text}`;
    const key = sha256Hex(text);
    const moved = (problem: Problem) => movedTo(piece, problem);
    try {
      const entries = lately.get(key) ?? entriesOf(parseLocated(file, text, agentsSchema).value);
      if (entries.length !== piece.entries) return null;
      now.set(key, entries);
      // The tree of a piece is many times larger than its text, and wanted again only for mistakes.
      parts.push({ entries, problem: (...place) => moved(locate(file, text).problem(...place)) });
    } catch (error) {
      if (!(error instanceof InvalidFile)) throw error;
      problems.push(...error.problems.map(moved));
    }
    yield;
  }
  lately = now;
  if (problems.length > 0) throw new InvalidFile(problems);
  return parts;
}

/** A mistake in a piece, below the key that was put before it, as one of the file. */
function movedTo({ line, first }: ListPiece, problem: Problem): Problem {
  const path = problem.path.replace(/^agents\[(\d+)\]/, (_, index) => `agents[${first + Number(index)}]`);
  return { ...problem, path, line: line + problem.line - 2 };
}

/** Lists that many agents have are one object. */
let lists = new Map<string, readonly string[]>();

function entriesOf({ agents }: z.output<typeof agentsSchema>): AgentEntry[] {
  if (lists.size > mostLists) lists = new Map();
  return agents.map(({ id, api_keys, spiffe, model, scopes, roles, disabled }) => ({
    agent: {
      id: inOnePiece(id),
      scopes: shared(scopes),
      roles: shared(roles),
      disabled,
      ...(model === undefined ? {} : { model: shared([model])[0] as string }),
    },
    keyHashes: api_keys.length === 0 ? none : api_keys.map((key) => inOnePiece(key.sha256)),
    spiffe: shared(spiffe),
  }));
}

const mostLists = 10_000;
const none: readonly string[] = Object.freeze([]);

function shared(list: readonly string[]): readonly string[] {
  const key = JSON.stringify(list);
  const known = lists.get(key);
  if (known) return known;
  if (lists.size <= mostLists) lists.set(key, Object.freeze(list));
  return list;
}

/** What is listed twice: an id, a key or a SPIFFE id, at its second place. */
function* doubles(parts: readonly Part[]): Generator<void, Problem[]> {
  return [
    ...(yield* seenTwice(parts, ids)),
    ...(yield* seenTwice(parts, keys)),
    ...(yield* seenTwice(parts, spiffeIds)),
  ];
}

interface Unique {
  of(entry: AgentEntry): readonly string[];
  path(index: number): Path;
  says(value: string): string;
}

const ids: Unique = {
  of: ({ agent }) => [agent.id],
  path: () => ["id"],
  says: (value) => `agent ${value} is listed twice`,
};
const keys: Unique = {
  of: ({ keyHashes }) => keyHashes,
  path: (index) => ["api_keys", index, "sha256"],
  says: () => "this key is listed twice; a key belongs to exactly one agent",
};
const spiffeIds: Unique = {
  of: ({ spiffe }) => spiffe,
  path: (index) => ["spiffe", index],
  says: (value) => `${value} is listed twice; a SPIFFE id belongs to exactly one agent`,
};

function* seenTwice(parts: readonly Part[], { of, path, says }: Unique): Generator<void, Problem[]> {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { entries, problem } of parts) {
    for (const [i, entry] of entries.entries()) {
      for (const [n, value] of of(entry).entries()) {
        if (seen.has(value)) problems.push(problem(["agents", i, ...path(n)], says(value)));
        seen.add(value);
      }
    }
    yield;
  }
  return problems;
}
