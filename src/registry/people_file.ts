import { z } from "zod";
import { InvalidFile, parseLocated } from "../files/located_yaml.js";
import { duplicates, id, secretHash, word } from "./fields.js";
import { accesses, type Person } from "./registry.js";

/** The form of `people.yaml`; that names and secrets are unique is checked when it is read. */
export const peopleSchema = z.strictObject({
  people: z.array(
    z.strictObject({
      id,
      aliases: z.array(id).default([]),
      access: z.array(z.enum(accesses)).default([]),
      groups: z.array(word).default([]),
      role: word.optional(),
      clearance: word.optional(),
      tokens: z.array(secretHash).default([]),
    }),
  ),
});

/** One person with what proves them. */
export interface PersonEntry {
  person: Person;
  /** Lower-case hex SHA-256 of each bearer token. */
  tokenHashes: readonly string[];
}

/**
 * What makes two names look like the same person's. It only makes more names equal: for what can refuse more by that, such
 * as self-approvals and names that are listed twice.
 */
export function foldName(name: string): string {
  return name.normalize("NFKC").trim().toLowerCase();
}

/**
 * What makes two names the same where a name decides who somebody is. Log-ins and mail addresses differ in case from system to
 * system; everything else makes another name, since another account may have it.
 */
export function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * Reads `people.yaml`. `agentKeys` are the key hashes of agents: a secret proves one thing only.
 * Throws `InvalidFile` with every mistake.
 */
export function parsePeopleFile(
  file: string,
  text: string,
  agentKeys: ReadonlySet<string> = new Set(),
): readonly PersonEntry[] {
  const located = parseLocated(file, text, peopleSchema);
  const { people } = located.value;

  const names = people.flatMap((person, i) => [
    { value: person.id, path: ["people", i, "id"] },
    ...person.aliases.map((value, a) => ({ value, path: ["people", i, "aliases", a] })),
  ]);
  const hashes = people.flatMap((person, i) =>
    person.tokens.map((token, t) => ({ value: token.sha256, path: ["people", i, "tokens", t, "sha256"] })),
  );
  const problems = [
    ...duplicates(located, names, (value) => `the name ${value} is listed twice; ids and aliases are unique`, foldName),
    ...duplicates(located, hashes, () => "this token is listed twice; a token belongs to exactly one person"),
    ...hashes
      .filter(({ value }) => agentKeys.has(value))
      .map(({ path }) => located.problem(path, "this is the API key of an agent; a person needs a token of their own")),
  ];
  if (problems.length > 0) throw new InvalidFile(problems);

  return people.map(({ tokens, role, clearance, ...person }) => ({
    person: {
      ...person,
      ...(role === undefined ? {} : { role }),
      ...(clearance === undefined ? {} : { clearance }),
    },
    tokenHashes: tokens.map((token) => token.sha256),
  }));
}
