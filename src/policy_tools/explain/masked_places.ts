import { isMasked } from "../../audit/masked.js";
import { credentialShown } from "../../evaluate/input.js";

/** Where in a recorded input something was masked, such as `params.card`. Credentials are hidden from policies too. */
export function maskedPlaces(value: unknown, place = ""): string[] {
  if (typeof value !== "object" || value === null) return isMasked(value) && value !== credentialShown ? [place] : [];
  return Object.entries(value).flatMap(([name, member]) => {
    const below = place === "" ? name : `${place}.${name}`;
    return isMasked(name) ? [below] : maskedPlaces(member, below);
  });
}
