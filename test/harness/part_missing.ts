/** A real part (Envoy, Redis, ...) that cannot be had here. The message says how to get it. */
export class PartMissing extends Error {
  constructor(part: string, how: string, cause?: unknown) {
    super(`${part} is not here: ${how}`, cause === undefined ? undefined : { cause });
    this.name = "PartMissing";
  }
}
