import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";

/** The well-known types that the protocol uses, as protoc knows them. */
const wellKnown = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
].map((file) => toBinary(FileDescriptorProtoSchema, file.proto));

/**
 * File descriptors as strict clients of server reflection (grpcurl among them) want them. Those that proto-loader makes
 * name map entries in another way than protoc, refer to types relatively, list no imports and rename the members of
 * well-known types, so such clients refuse them.
 */
export function strictDescriptors(encoded: readonly Uint8Array[]): Buffer[] {
  const files = new Map<string, FileDescriptorProto>();
  for (const bytes of encoded) {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    if (file.package !== "google.protobuf") files.set(file.name, file);
  }
  for (const bytes of wellKnown) {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    files.set(file.name, file);
  }
  const homes = new Map<string, string>();
  for (const file of files.values()) {
    for (const message of file.messageType) nameMapEntries(message);
    for (const name of typeNames(file.package, file.messageType, file.enumType)) homes.set(name, file.name);
  }
  for (const file of files.values()) link(file, homes);
  return [...files.values()].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
}

/** Gives the entry type of each map field the name that protoc derives: `header_values` has `HeaderValuesEntry`. */
function nameMapEntries(message: DescriptorProto): void {
  for (const field of message.field) {
    const entry = message.nestedType.find((nested) => nested.options?.mapEntry && nested.name === field.typeName);
    if (!entry) continue;
    entry.name = `${field.name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}Entry`;
    field.typeName = entry.name;
  }
  for (const nested of message.nestedType) nameMapEntries(nested);
}

function* typeNames(
  scope: string,
  messages: readonly DescriptorProto[],
  enums: readonly { name: string }[],
): Generator<string> {
  for (const { name } of enums) yield `${scope}.${name}`;
  for (const message of messages) {
    const name = `${scope}.${message.name}`;
    yield name;
    yield* typeNames(name, message.nestedType, message.enumType);
  }
}

/** Makes every reference absolute and lists the files they lead to. */
function link(file: FileDescriptorProto, homes: ReadonlyMap<string, string>): void {
  const imports = new Set<string>();
  const absolute = (reference: string, scope: string): string => {
    const name = resolve(reference, scope, homes);
    const home = homes.get(name);
    if (home === undefined) throw new Error(`${reference} in ${scope} leads to no message or enum`);
    if (home !== file.name) imports.add(home);
    return `.${name}`;
  };
  const linkMessage = (message: DescriptorProto, scope: string): void => {
    const name = `${scope}.${message.name}`;
    for (const field of message.field) {
      if (field.typeName !== "") field.typeName = absolute(field.typeName, name);
    }
    for (const nested of message.nestedType) linkMessage(nested, name);
  };
  for (const message of file.messageType) linkMessage(message, file.package);
  for (const method of file.service.flatMap((service) => service.method)) {
    method.inputType = absolute(method.inputType, file.package);
    method.outputType = absolute(method.outputType, file.package);
  }
  file.dependency = [...imports].sort();
}

/** A relative name is looked for in `scope`, then in what encloses it, from the inside out. */
function resolve(reference: string, scope: string, homes: ReadonlyMap<string, string>): string {
  if (reference.startsWith(".")) return reference.slice(1);
  for (let outer = scope; outer !== ""; outer = outer.slice(0, Math.max(0, outer.lastIndexOf(".")))) {
    const name = `${outer}.${reference}`;
    if (homes.has(name)) return name;
  }
  return reference;
}
