import { z } from "zod";
import { rule } from "../rule.js";
import { ruleKey } from "./rule_key.js";

const repository = z.string().regex(/^[^@\s]+$/, "a repository is a name without blanks and without its @digest");

const image = z
  .strictObject({ digest: z.string().min(1).optional(), repository: repository.optional() })
  .refine(({ digest, repository }) => digest !== undefined || repository !== undefined, {
    message: "name a `digest`, a `repository` or both",
  });

/** `allowed_images`: every image of the call has a digest and matches an entry. */
export const allowedImages = ruleKey(
  rule(z.array(image), "images that the call may name, by digest, repository or both"),
  ({ value, ...standing }) => [
    {
      kind: "images",
      images: value.map(({ digest, repository }) => ({ ...(digest && { digest }), ...(repository && { repository }) })),
      standing,
    },
  ],
);
