import { loadCatalogue } from "../../src/decode/index.js";
import { InvalidFile } from "../../src/files/located_yaml.js";

/** What is wrong with a catalogue; none when it loads. */
export function problems(text: string): string[] {
  try {
    loadCatalogue("tools.yaml", text);
  } catch (error) {
    if (error instanceof InvalidFile) return error.message.split("\n");
    throw error;
  }
  return [];
}
