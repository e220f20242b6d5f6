import { cureOf, wordsOf } from "../archive/failure.js";
import { OtherBytes } from "../archive/fetch.js";

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
