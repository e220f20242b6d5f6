/** One file of policies. */
export interface PolicyText {
  /** As shown in messages and records; its ending says what it is. */
  file: string;
  text: string;
}

/** True for Rego, false for YAML and JSON. */
export function isRego({ file }: PolicyText): boolean {
  return /\.rego$/i.test(file);
}
