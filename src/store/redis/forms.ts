import { z } from "zod";

/** What scripts return: text, and numbers as text. */
export const text = z.string();
export const number = text
  .regex(/^\d{1,16}$/)
  .transform(Number)
  .refine(Number.isSafeInteger);
