import { type Check, forEntries, members } from "../check.js";

/** As registries write them (OCI image specification, registered algorithms). */
const digestForm = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** A digest of `allowed_images` in a form that no image has. */
export const digestForms: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, _, told) =>
      members("allowed_images", source.allowed_images).flatMap(([{ digest }, path]) =>
        digest === undefined || digestForm.test(digest)
          ? []
          : [
              told(
                [...path, "digest"],
                "no image has such a digest: it is sha256: and 64 hex digits or sha512: and 128, in lower case",
              ),
            ],
      ),
    ),
};
