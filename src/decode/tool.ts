import type { HostPattern } from "../host/pattern.js";
import type { PathTemplate } from "./path_template.js";
import type { Template } from "./template.js";

/** A field of the call: the parameter of its name, nothing at all, or what the templates give. */
export type FieldRule = "parameter" | "none" | readonly Template[];

/** The fields that the catalogue may take from anywhere in the request. */
export const fieldNames = ["image", "service", "image_tag", "deployment_id", "amount"] as const;
export type FieldName = (typeof fieldNames)[number];

/**
 * Where parameters come from: path variables, query and top level of the body together; one object of the request; or
 * each from its own template.
 */
export type ParamsRule =
  | { kind: "everything" }
  | { kind: "object"; template: Template }
  | { kind: "named"; templates: readonly (readonly [string, Template])[] };

/** One entry of the catalogue, ready to be matched. */
export interface Tool {
  name: string;
  /** Entries with `check` are for calls that are described, not sent: they have no host, so no request matches them. */
  protocol: "http" | "check";
  hosts: readonly HostPattern[];
  /** `null` for any. */
  methods: ReadonlySet<string> | null;
  path: PathTemplate;
  action: Template;
  environment: Template | null;
  takesBody: boolean;
  params: ParamsRule;
  /** Parameters that may come as text and are numbers. */
  numbers: readonly string[];
  fields: Readonly<Record<FieldName, FieldRule>>;
  classification: readonly string[];
  costMicro: number;
}
