import {
  create,
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { servedDescriptors } from "../../src/grpc/reflection.js";
import { readVectors } from "./vectors.js";

interface Row {
  number: number;
  type: string;
  oneof?: string;
}

interface Fields {
  messages: Record<string, Record<string, Row>>;
  enums: Record<string, Record<string, number>>;
  services: Record<string, Record<string, { request: string; response: string; streaming: boolean }>>;
}

/** Made from the descriptors of Envoy's own API. */
const wanted = readVectors<Fields>("check_fields.json");
/** Of these only what is read is here. */
const trimmed = readVectors<Fields>("access_log_fields.json");

const files = servedDescriptors(loadProtos()).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
const own = createFileRegistry(create(FileDescriptorSetSchema, { file: inImportOrder(files) }));

function inImportOrder<F extends { name: string; dependency: string[] }>(unordered: F[]): F[] {
  const ordered: F[] = [];
  const add = (file: F): void => {
    if (ordered.includes(file)) return;
    for (const name of file.dependency) {
      const imported = unordered.find((candidate) => candidate.name === name);
      if (!imported) throw new Error(`${file.name} imports ${name}, which is not served`);
      add(imported);
    }
    ordered.push(file);
  };
  unordered.forEach(add);
  return ordered;
}

function rowsOf(message: DescMessage | undefined): Record<string, Row> {
  const row = (field: DescField): Row => ({
    number: field.number,
    type: typeOf(field),
    ...(field.oneof ? { oneof: field.oneof.name } : {}),
  });
  return Object.fromEntries((message?.fields ?? []).map((field) => [field.name, row(field)]));
}

function typeOf(field: DescField): string {
  const scalar = (type: ScalarType | undefined) => (type === undefined ? "" : ScalarType[type].toLowerCase());
  const single = field.message?.name ?? field.enum?.name ?? scalar(field.scalar);
  if (field.fieldKind === "map") return `map<${scalar(field.mapKey)}, ${single}>`;
  return field.fieldKind === "list" ? `repeated ${single}` : single;
}

function valuesOf(enumeration: DescEnum | undefined): Record<string, number> {
  return Object.fromEntries((enumeration?.values ?? []).map((value) => [value.name, value.number]));
}

test.each(Object.keys(wanted.messages))("%s has the fields, numbers and types of Envoy's API", (name) => {
  expect(rowsOf(own.getMessage(name))).toEqual(wanted.messages[name]);
});

test.each(Object.entries(trimmed.messages))(
  "what is here of %s has the numbers and types of Envoy's API",
  (name, all) => {
    const here = rowsOf(own.getMessage(name));
    expect(here).toEqual(Object.fromEntries(Object.keys(here).map((field) => [field, all[field]])));
  },
);

test.each(Object.keys({ ...wanted.enums, ...trimmed.enums }))("%s has the values of Envoy's API", (name) => {
  expect(valuesOf(own.getEnum(name))).toEqual({ ...wanted.enums, ...trimmed.enums }[name]);
});

test.each(Object.entries({ ...wanted.services, ...trimmed.services }))(
  "%s has the methods of Envoy's API",
  (name, methods) => {
    const found = (own.getService(name)?.methods ?? []).map((method) => [
      method.name,
      {
        request: method.input.typeName,
        response: method.output.typeName,
        streaming: method.methodKind !== "unary",
      },
    ]);
    expect(Object.fromEntries(found)).toEqual(methods);
  },
);

test("nothing of our own is added", () => {
  const known = new Set([
    ...Object.keys(wanted.messages),
    ...Object.keys(wanted.enums),
    ...Object.keys(wanted.services),
  ]);
  const ofAccessLog = new Set(Object.values(trimmed).flatMap((part) => Object.keys(part)));
  const ours = [...own]
    .filter((type) => !ofAccessLog.has(type.typeName))
    .filter((type) => !/^(google\.protobuf|grpc\.health\.v1)\./.test(type.typeName));
  expect(ours.map((type) => type.typeName).filter((name) => !known.has(name))).toEqual([]);
  expect(ours).toHaveLength(known.size - [...known].filter((name) => name.startsWith("google.protobuf.")).length);
});
