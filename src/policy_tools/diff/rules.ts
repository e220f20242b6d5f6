import { isDeepStrictEqual } from "node:util";
import type { Rule, Slot, Standing } from "../../policies/document.js";
import { byMembers, byNumber, type Effect, listChange, opposite, type Said, shown } from "./change.js";
import { type Kind, lists, type Of } from "./kind.js";
import { isRequired, requireName, sessionKinds } from "./session_rules.js";

/** The minutes of the week, from 0. */
const minutesOf = (slots: readonly Slot[]): number[] => [
  ...new Set(slots.flatMap(({ day, from, to }) => Array.from({ length: to - from }, (_, i) => day * 1_440 + from + i))),
];

const bounds = (lowerIs: "stricter" | "looser") => ({
  text: ({ rule, limit }: Of<"max" | "min">) => `${rule} ${limit}`,
  compare: (before: Of<"max" | "min">, after: Of<"max" | "min">): Said | null =>
    before.limit === after.limit
      ? null
      : {
          what: `${after.rule} ${before.limit} -> ${after.limit}`,
          effect: byNumber(before.limit, after.limit, lowerIs),
        },
});

const windows = (which: "allow" | "deny") => {
  type R = Of<"window_allow" | "window_deny">;
  return {
    text: ({ zone }: R) => `windows.${which} (${zone})`,
    compare: (before: R, after: R): Said | null => {
      if (before.zone !== after.zone) {
        return { what: `windows.${which}: time zone ${before.zone} -> ${after.zone}`, effect: "changed" };
      }
      const [old, now] = [minutesOf(before.slots), minutesOf(after.slots)];
      if (listChange(old, now) === "") return null;
      const effect = byMembers(old, now);
      return {
        what: `windows.${which}: ${old.length} -> ${now.length} minutes of the week`,
        effect: which === "allow" ? effect : opposite(effect),
      };
    },
  };
};

const detectors = { dlp_tag: 0, dlp_redact: 1, dlp_deny: 2 } as const;
type Dlp = Of<keyof typeof detectors>;
const dlpText = (rule: Dlp): string =>
  rule.kind === "dlp_tag" ? `tag ${rule.tag}` : rule.kind === "dlp_deny" ? "deny" : "redact";

const dlp = {
  text: (rule: Dlp) => `dlp.${rule.detector}: ${dlpText(rule)}`,
  compare: (before: Dlp, after: Dlp): Said | null => {
    const [old, now] = [dlpText(before), dlpText(after)];
    if (old === now) return null;
    const step = detectors[after.kind] - detectors[before.kind];
    const effect: Effect = step === 0 ? "changed" : step > 0 ? "stricter" : "looser";
    return { what: `dlp.${after.detector}: ${old} -> ${now}`, effect };
  },
};

const nothing = () => null;

const kinds: { [K in Rule["kind"]]: Kind<K> } = {
  environments: lists("allowed_environments", (rule: Of<"environments">) => rule.values),
  images: lists("allowed_images", (rule: Of<"images">) => rule.images.map(imageText)),
  max: bounds("stricter") as Kind<"max">,
  min: bounds("looser") as Kind<"min">,
  param_required: { text: ({ param }) => `params.${param}: required`, compare: nothing },
  param_type: {
    text: ({ param, type }) => `params.${param}: type ${type}`,
    compare: (before, after) =>
      before.type === after.type
        ? null
        : { what: `params.${after.param}: type ${before.type} -> ${after.type}`, effect: ofTypes(before, after) },
  },
  param_pattern: {
    text: ({ param, pattern }) => `params.${param}: pattern ${pattern}`,
    compare: (before, after) =>
      before.pattern === after.pattern
        ? null
        : { what: `params.${after.param}: pattern ${before.pattern} -> ${after.pattern}`, effect: "changed" },
  },
  param_enum: {
    text: ({ param, values }) => `params.${param}: enum ${values.map(shown).join(", ")}`,
    compare: (before, after) =>
      lists(`params.${after.param}: enum`, (rule: Of<"param_enum">) => rule.values).compare(before, after),
  },
  param_forbid: { text: ({ param, detector }) => `params.${param}: forbid ${detector}`, compare: nothing },
  additional: {
    text: () => "additional_params: deny",
    compare: lists("additional_params: named parameters", (rule: Of<"additional">) => rule.names).compare,
  },
  window_allow: windows("allow") as Kind<"window_allow">,
  window_deny: windows("deny") as Kind<"window_deny">,
  ...sessionKinds,
  dlp_deny: dlp as Kind<"dlp_deny">,
  dlp_redact: dlp as Kind<"dlp_redact">,
  dlp_tag: dlp as Kind<"dlp_tag">,
  rego: { text: (rule) => `rego ${rule.package}`, compare: nothing },
  cost: {
    text: (rule) => `cost ${costText(rule)}`,
    compare: (before, after) => {
      const [old, now] = [costText(before), costText(after)];
      return old === now ? null : { what: `cost ${old} -> ${now}`, effect: ofCosts(before, after) };
    },
  },
};

const kindOf = (rule: Rule) => kinds[rule.kind] as Kind<Rule["kind"]>;

/** Every rule but these restricts what passes; what they do depends on more than the rule. */
const neutral: readonly Rule["kind"][] = ["dlp_tag", "cost"];

/** The differences between the rules of one action entry, before and after. */
export function ruleChanges(before: readonly Rule[], after: readonly Rule[]): Said[] {
  const [old, now] = [byIdentity(before), byIdentity(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((id) => {
    const [was, is] = [old.get(id), now.get(id)];
    if (was && is) return changesOf(was, is);
    const rule = (was ?? is) as Rule;
    return [
      { what: `${kindOf(rule).text(rule)} ${is ? "added" : "removed"}`, effect: ofPresence(rule, is !== undefined) },
    ];
  });
}

/** What is said of mode and `on_violation`. */
export function standingChanges(name: string, before: Standing, after: Standing): Said[] {
  const changes: Said[] = [];
  if (before.mode !== after.mode) {
    const effect = after.mode === "shadow" ? "looser" : "stricter";
    changes.push({ what: `${name}: mode ${before.mode} -> ${after.mode}`, effect });
  }
  if (before.on_violation !== after.on_violation) {
    const [old, now] = [before.on_violation ?? "deny", after.on_violation ?? "deny"];
    const effect = bothShadow(before, after) ? "shadow" : now === "deny" ? "stricter" : "looser";
    changes.push({ what: `${name}: on_violation ${old} -> ${now}`, effect });
  }
  return changes;
}

export function bothShadow(before: { mode?: string | undefined }, after: { mode?: string | undefined }): boolean {
  return before.mode === "shadow" && after.mode === "shadow";
}

function changesOf(before: Rule, after: Rule): Said[] {
  const name = nameOf(after);
  const value = isDeepStrictEqual(before, after) ? null : kindOf(after).compare(before, after);
  const said = value && bothShadow(before, after) ? { ...value, effect: "shadow" as const } : value;
  return [...(said ? [said] : []), ...standingChanges(name, before, after)];
}

function ofPresence(rule: Rule, added: boolean): Effect {
  if (rule.mode === "shadow") return "shadow";
  if (neutral.includes(rule.kind)) return "changed";
  return added ? "stricter" : "looser";
}

function nameOf(rule: Rule): string {
  if (isRequired(rule)) return requireName(rule);
  if ("detector" in rule && "param" in rule) return `params.${rule.param}: forbid ${rule.detector}`;
  if ("detector" in rule) return `dlp.${rule.detector}`;
  if (rule.rule === "params" && "param" in rule) return `params.${rule.param}`;
  return rule.rule;
}

/** Rules of the same identity are versions of each other. What is required for other calls is another rule. */
function byIdentity(rules: readonly Rule[]): Map<string, Rule> {
  const found = new Map<string, Rule>();
  for (const rule of rules) {
    const kind = rule.kind.startsWith("dlp_") ? "dlp" : rule.kind;
    const parts = ["param", "detector", "package"].map(
      (key) => (rule as unknown as Record<string, unknown>)[key] ?? "",
    );
    const when = isRequired(rule) && rule.when ? JSON.stringify(rule.when.condition) : "";
    const id = [rule.rule, kind, ...parts, when].join(" ");
    let unique = id;
    for (let n = 2; found.has(unique); n++) unique = `${id} ${n}`;
    found.set(unique, rule);
  }
  return found;
}

function ofTypes({ type: before }: Of<"param_type">, { type: after }: Of<"param_type">): Effect {
  if (before === "number" && after === "integer") return "stricter";
  return before === "integer" && after === "number" ? "looser" : "changed";
}

function imageText({ digest, repository }: { digest?: string; repository?: string }): string {
  return [repository, digest].filter(Boolean).join("@");
}

const micro = 1_000_000;

function costText({ base_micro: base, per }: Of<"cost">): string {
  const each = Object.entries(per).map(([param, value]) => `${value / micro} per ${param}`);
  return [`${base / micro}`, ...each.sort()].join(" + ");
}

/** Certain only when no part of the cost goes the other way. */
function ofCosts(before: Of<"cost">, after: Of<"cost">): Effect {
  const params = [...new Set([...Object.keys(before.per), ...Object.keys(after.per)])];
  const steps = [
    after.base_micro - before.base_micro,
    ...params.map((param) => (after.per[param] ?? 0) - (before.per[param] ?? 0)),
  ];
  if (steps.every((step) => step >= 0)) return "stricter";
  return steps.every((step) => step <= 0) ? "looser" : "changed";
}
