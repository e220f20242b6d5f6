import { isDeepStrictEqual } from "node:util";
import { durationText } from "../../duration.js";
import type { ActionDocument } from "../../policies/document.js";
import { byMembers, byNumber, type Effect, listChange, oneLine, opposite, type Said, shown } from "./change.js";
import { bothShadow, ruleChanges, standingChanges } from "./rules.js";

/** The differences between two versions of one action entry. */
export function entryChanges(before: ActionDocument, after: ActionDocument): Said[] {
  return [
    ...ruleChanges(before.rules, after.rules),
    ...approvalChanges(before, after),
    ...termChanges(before.terms ?? {}, after.terms ?? {}),
    ...sanitizeChanges(before, after),
  ];
}

function approvalChanges(before: ActionDocument, after: ActionDocument): Said[] {
  const [was, is] = [before.approval, after.approval];
  if (!was && !is) return [];
  if (was && is) {
    // The same condition in other words is the same.
    const same = isDeepStrictEqual(was.condition, is.condition);
    const effect = bothShadow(was, is) ? "shadow" : "changed";
    return [
      ...(same ? [] : [{ what: `approval_needed ${oneLine(was.source)} -> ${oneLine(is.source)}`, effect } as const]),
      ...standingChanges("approval_needed", { mode: was.mode }, { mode: is.mode }),
    ];
  }
  const approval = (was ?? is) as NonNullable<ActionDocument["approval"]>;
  const what = `approval_needed ${oneLine(approval.source)} ${is ? "added" : "removed"}`;
  // Beside allowed_environments an approval also lets through what would be denied.
  const excuses = [...before.rules, ...after.rules].some(({ kind }) => kind === "environments");
  const effect: Effect = excuses ? "changed" : is ? "stricter" : "looser";
  return [{ what, effect: approval.mode === "shadow" ? "shadow" : effect }];
}

type Terms = NonNullable<ActionDocument["terms"]>;

function termChanges(before: Terms, after: Terms): Said[] {
  const text = (ms: number | undefined): string => (ms === undefined ? "unset" : durationText(ms));
  const changes: Said[] = [];
  if (!isDeepStrictEqual(before.approvers, after.approvers)) {
    const [old, now] = [before.approvers, after.approvers];
    const effect = old && now ? byMembers(old, now) : now ? "stricter" : "looser";
    changes.push({ what: `approval.approvers ${groups(old)} -> ${groups(now)}`, effect });
  }
  const [quorum, wanted] = [before.quorum ?? 1, after.quorum ?? 1];
  if (quorum !== wanted) {
    changes.push({ what: `approval.quorum ${quorum} -> ${wanted}`, effect: byNumber(quorum, wanted, "looser") });
  }
  if (before.expires_in_ms !== after.expires_in_ms) {
    const [old, now] = [before.expires_in_ms, after.expires_in_ms];
    const effect = old === undefined || now === undefined ? "changed" : byNumber(old, now, "stricter");
    changes.push({ what: `approval.expires_in ${text(old)} -> ${text(now)}`, effect });
  }
  if (before.hold_ms !== after.hold_ms) {
    changes.push({ what: `approval.hold ${text(before.hold_ms)} -> ${text(after.hold_ms)}`, effect: "changed" });
  }
  return [...changes, ...escalationChanges(before, after)];
}

/** Where any approver may answer, more are only told. */
function escalationChanges(before: Terms, after: Terms): Said[] {
  const [was, is] = [before.escalate, after.escalate];
  const open = !before.approvers || !after.approvers;
  const effectOf = (effect: Effect): Effect => (open ? "changed" : effect);
  if (!was || !is) {
    const one = was ?? is;
    if (!one) return [];
    const what = `approval.escalate after ${durationText(one.after_ms)} to ${groups(one.to)} ${is ? "added" : "removed"}`;
    return [{ what, effect: effectOf(is ? "looser" : "stricter") }];
  }
  const [old, now] = [durationText(was.after_ms), durationText(is.after_ms)];
  const said: Said[] = [];
  if (old !== now) {
    const effect = effectOf(byNumber(was.after_ms, is.after_ms, "looser"));
    said.push({ what: `approval.escalate.after ${old} -> ${now}`, effect });
  }
  const what = listChange(was.to, is.to);
  if (what !== "") said.push({ what: `approval.escalate.to ${what}`, effect: effectOf(byMembers(was.to, is.to)) });
  return said;
}

function groups(names: readonly string[] | undefined): string {
  return names ? names.join(" or ") : "any approver";
}

function sanitizeChanges(before: ActionDocument, after: ActionDocument): Said[] {
  const [was, is] = [{ mode: before.sanitize_mode }, { mode: after.sanitize_mode }];
  const shadow = (was.mode ?? "shadow") === "shadow" && (is.mode ?? "shadow") === "shadow";
  const named = (["headers", "query"] as const).flatMap((place) =>
    (["remove", "redact", "set"] as const).flatMap((how): Said[] => {
      const [old, now] = [listed(before, place, how), listed(after, place, how)];
      const what = listChange(old, now);
      if (what === "") return [];
      // What is taken out of calls is the opposite of what is permitted.
      const effect = how === "set" ? "changed" : opposite(byMembers(old, now));
      return [{ what: `sanitize.${place}.${how} ${what}`, effect: shadow ? "shadow" : effect }];
    }),
  );
  const modes = was.mode && is.mode ? standingChanges("sanitize", { mode: was.mode }, { mode: is.mode }) : [];
  return [...named, ...modes];
}

function listed({ sanitize }: ActionDocument, place: "headers" | "query", how: "remove" | "redact" | "set"): string[] {
  if (!sanitize) return [];
  const part = sanitize[place][how];
  return Array.isArray(part) ? part : Object.entries(part).map(([name, value]) => `${name}: ${shown(value)}`);
}
