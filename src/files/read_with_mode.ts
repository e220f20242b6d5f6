import { open } from "node:fs/promises";

/** A file's text, and the permissions of that very file. Throws the system's error when it cannot be read. */
export async function readWithMode(path: string): Promise<{ text: string; mode: number }> {
  const file = await open(path, "r");
  try {
    return { mode: (await file.stat()).mode, text: await file.readFile("utf8") };
  } finally {
    await file.close();
  }
}
