import { join } from "node:path";
import { withLock } from "./lock.js";
import { cacheFolder, onPath, run, tell } from "./programs.js";

interface Manager {
  program: string;
  /** Run in turn; `undefined` stands for the package's name. */
  commands: readonly (readonly (string | undefined)[])[];
}

const managers: readonly Manager[] = [
  {
    program: "apt-get",
    commands: [
      ["update", "-q"],
      ["install", "-y", "-q", "--no-install-recommends", undefined],
    ],
  },
  { program: "apk", commands: [["add", "--no-cache", undefined]] },
  { program: "dnf", commands: [["install", "-y", "-q", undefined]] },
];

/** `RUNLEVEL=1` keeps Debian from starting what it installs as a service. */
const environment = ["RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive"];

/**
 * Installs a system package where that needs no question: as root, or where sudo asks for no password. Gives true when
 * the package manager said it did.
 */
export async function installPackage(names: Readonly<Record<string, string>>): Promise<boolean> {
  const prefix = await rootPrefix();
  if (prefix === undefined) return false;
  for (const { program, commands } of managers) {
    const name = names[program];
    if (name === undefined || (await onPath(program)) === undefined) continue;
    return withLock(join(cacheFolder, "packages.lock"), 300_000, async () => {
      tell(`${name}: installing with ${program}`);
      let done = true;
      for (const words of commands) {
        const [first = "env", ...rest] = [
          ...prefix,
          "env",
          ...environment,
          program,
          ...words.map((word) => word ?? name),
        ];
        done = await run(first, rest, 240_000).then(
          () => true,
          () => false,
        );
      }
      return done;
    });
  }
  return false;
}

async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  if ((await onPath("sudo")) === undefined) return undefined;
  return run("sudo", ["-n", "true"], 5_000).then(
    () => ["sudo", "-n"],
    () => undefined,
  );
}
