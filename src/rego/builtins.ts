/**
 * The builtins that policies may call, by what they work on. All of them are computed inside OPA's WebAssembly: none
 * reads a clock, the network, the environment or random bytes, and none runs as JavaScript in this process.
 */
export const builtins: Readonly<Record<string, readonly string[]>> = {
  numbers: ["abs", "ceil", "floor", "format_int", "numbers.range", "round", "to_number"],
  bits: ["bits.and", "bits.lsh", "bits.negate", "bits.or", "bits.rsh", "bits.xor"],
  collections: ["count", "max", "min", "product", "sort", "sum"],
  arrays: ["array.concat", "array.flatten", "array.reverse", "array.slice"],
  sets: ["intersection", "union"],
  objects: ["object.filter", "object.get", "object.keys", "object.remove", "object.union", "object.union_n"],
  documents: ["graph.reachable", "json.filter", "json.remove", "walk"],
  texts: [
    "concat",
    "contains",
    "endswith",
    "indexof",
    "lower",
    "replace",
    "split",
    "startswith",
    "strings.replace_n",
    "strings.reverse",
    "substring",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "upper",
  ],
  patterns: ["glob.match", "regex.find_all_string_submatch_n", "regex.is_valid", "regex.match"],
  encodings: [
    "base64.decode",
    "base64.encode",
    "base64.is_valid",
    "base64url.decode",
    "base64url.encode",
    "json.is_valid",
    "json.marshal",
    "json.unmarshal",
  ],
  types: ["is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "type_name"],
  networks: ["net.cidr_contains", "net.cidr_intersects"],
};

/** What Rego's own signs and words are called inside OPA: `=` `:=` `==` `in` `+` `&`, templates and the like. */
export const operators: readonly string[] = [
  "and",
  "assign",
  "div",
  "eq",
  "equal",
  "gt",
  "gte",
  "internal.member_2",
  "internal.member_3",
  "internal.template_string",
  "lt",
  "lte",
  "minus",
  "mul",
  "neq",
  "or",
  "plus",
  "rem",
];

/** Everything that OPA is told exists. */
export const allowed: ReadonlySet<string> = new Set([...Object.values(builtins).flat(), ...operators]);
