import { WrongUse } from "./terminal.js";

/** Waits for the writing of a new file. Throws `WrongUse` when there is one of that name. */
export async function refuseTaken(writing: Promise<void>, file: string): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw new WrongUse(`${file} exists already`);
    }
    throw error;
  }
}
