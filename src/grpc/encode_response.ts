import { BackwardBytes } from "./backward_bytes.js";
import type {
  CheckResponse,
  DeniedHttpResponse,
  HeaderAppendAction,
  HeaderValueOption,
  OkHttpResponse,
  Struct,
  Value,
} from "./messages.js";
import { notPlain } from "./wire.js";

const to = new BackwardBytes();

/**
 * The CheckResponse as bytes, the same ones as the encoder made from the descriptors gives; `null` for what is rare: text
 * beyond ASCII, numbers and lists in the metadata, very long answers.
 */
export function encodePlainResponse(response: CheckResponse): Buffer | null {
  to.begin();
  try {
    writeResponse(response);
    return to.taken();
  } catch (error) {
    if (error === notPlain) return null;
    throw error;
  }
}

// Each message is written from its last field to its first. Tags are bytes as they stand on the wire: field number * 8 + wire
// type.

function writeResponse(response: CheckResponse): void {
  if ("error_response" in response) writeDenied(0x2a, response.error_response);
  if (response.dynamic_metadata !== undefined) writeStruct(0x22, response.dynamic_metadata);
  if ("ok_response" in response) writeOk(0x1a, response.ok_response);
  if ("denied_response" in response) writeDenied(0x12, response.denied_response);
  const { status } = response;
  const end = to.at;
  if ("message" in status && status.message !== undefined) to.text(0x12, status.message);
  to.number(0x08, status.code);
  to.close(0x0a, end);
}

function writeDenied(tag: number, { status, headers, body }: DeniedHttpResponse): void {
  const end = to.at;
  if (body !== undefined) to.text(0x1a, body);
  writeOptions(0x12, headers);
  const statusEnd = to.at;
  to.number(0x08, status.code);
  to.close(0x0a, statusEnd);
  to.close(tag, end);
}

function writeOk(tag: number, ok: OkHttpResponse): void {
  const end = to.at;
  writeTexts(0x42, ok.query_parameters_to_remove);
  const set = listed(ok.query_parameters_to_set);
  for (let i = set.length - 1; i >= 0; i--) writePair(0x3a, set[i]);
  writeOptions(0x32, ok.response_headers_to_add);
  writeTexts(0x2a, ok.headers_to_remove);
  writeOptions(0x12, ok.headers);
  to.close(tag, end);
}

function writeTexts(tag: number, given: readonly string[] | undefined): void {
  const texts = listed(given);
  for (let i = texts.length - 1; i >= 0; i--) to.text(tag, texts[i]);
}

function writePair(tag: number, pair: { key: string; value: string } | undefined): void {
  if (pair === undefined) throw notPlain;
  const end = to.at;
  to.text(0x12, pair.value);
  to.text(0x0a, pair.key);
  to.close(tag, end);
}

function writeOptions(tag: number, given: readonly HeaderValueOption[] | undefined): void {
  const options = listed(given);
  for (let i = options.length - 1; i >= 0; i--) writeOption(tag, options[i]);
}

/** What types cannot hold back at run time would be no entries here, without an error. */
function listed<T>(given: readonly T[] | undefined): readonly T[] {
  if (given === undefined) return nothing;
  if (!Array.isArray(given)) throw notPlain;
  return given;
}

const nothing: readonly never[] = [];

function writeOption(tag: number, option: HeaderValueOption | undefined): void {
  if (option === undefined) throw notPlain;
  const end = to.at;
  if (option.keep_empty_value !== undefined) to.number(0x20, option.keep_empty_value ? 1 : 0);
  to.number(0x18, numberOf(option.append_action));
  writePair(0x0a, option.header);
  to.close(tag, end);
}

/** Its number in the `.proto`. */
function numberOf(action: HeaderAppendAction): number {
  switch (action) {
    case "APPEND_IF_EXISTS_OR_ADD":
      return 0;
    case "ADD_IF_ABSENT":
      return 1;
    case "OVERWRITE_IF_EXISTS_OR_ADD":
      return 2;
    case "OVERWRITE_IF_EXISTS":
      return 3;
    default:
      action satisfies never;
      throw notPlain;
  }
}

function writeStruct(tag: number, { fields }: Struct): void {
  const end = to.at;
  const names = Object.keys(fields);
  for (let i = names.length - 1; i >= 0; i--) {
    const name = names[i] as string;
    const value = fields[name];
    if (value === undefined || name === "__proto__") throw notPlain;
    const entryEnd = to.at;
    writeValue(value);
    to.text(0x0a, name);
    to.close(0x0a, entryEnd);
  }
  to.close(tag, end);
}

function writeValue(value: Value): void {
  const end = to.at;
  if ("stringValue" in value) to.text(0x1a, value.stringValue);
  else if ("nullValue" in value) to.number(0x08, 0);
  else throw notPlain;
  to.close(0x12, end);
}
