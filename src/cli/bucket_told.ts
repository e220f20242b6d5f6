import { cureOf, wordsOf } from "../archive/failure.js";
import { OtherBytes } from "../archive/fetch.js";
import { WrongUse } from "./terminal.js";

/** `--retention-days`, the same for every command that looks into a bucket. */
export const retentionOption = ["--retention-days <n>", "say so when an object is locked for less", days] as const;

function days(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new WrongUse("--retention-days: write a number of days");
}

/** What asking a bucket gave. Rejects with what went wrong in words for the operator, and how to mend it. */
export async function toldOf<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof OtherBytes) throw error;
    const cure = cureOf(error);
    throw new Error(`${wordsOf(error)}${cure === null ? "" : `: ${cure}`}`, { cause: error });
  }
}
