import { isDeepStrictEqual } from "node:util";
import type { ActionDocument, FileDocument } from "../../policies/document.js";
import { byMembers, type Change, type Effect, listChange, opposite, type Said } from "./change.js";
import { entryChanges } from "./entries.js";
import { standingChanges } from "./rules.js";

type Files = readonly FileDocument[];

/** The differences between the files that apply to one agent, before and after. */
export function fileChanges(before: Files, after: Files): Change[] {
  const names = [...new Set([...before, ...after].map(({ file }) => file))].sort();
  return names.flatMap((name) => {
    const [was, is] = [before.find(({ file }) => file === name), after.find(({ file }) => file === name)];
    const changes = was && is ? changesWithin(was, is, before, after) : presence(was, is, before, after);
    return changes.map((change) => ({ file: name, ...change }));
  });
}

type InFile = Omit<Change, "file">;

function presence(was: FileDocument | undefined, is: FileDocument | undefined, before: Files, after: Files): InFile[] {
  const file = (was ?? is) as FileDocument;
  const empty: FileDocument = {
    file: file.file,
    guardrail: file.guardrail,
    grants: file.grants,
    actions: [],
    ...(file.tools && { tools: file.tools }),
  };
  const what = `${file.guardrail ? "guardrail" : "file"} ${is ? "applies now" : "does not apply any more"}`;
  const effect = !file.guardrail ? "changed" : is ? "stricter" : "looser";
  return [{ action: null, what, effect }, ...changesWithin(was ?? empty, is ?? empty, before, after)];
}

function changesWithin(was: FileDocument, is: FileDocument, before: Files, after: Files): InFile[] {
  const whole = [
    ...grantsChange(was, is),
    ...toolChanges(was, is),
    ...denialChanges(was, is),
    ...egressChanges(was, is),
  ];
  return [...whole.map((said) => ({ action: null, ...said })), ...actionChanges(was, is, before, after)];
}

function grantsChange(was: FileDocument, is: FileDocument): Said[] {
  if (was.grants === is.grants) return [];
  return [
    { what: is.grants ? "is no guardrail any more" : "is a guardrail now", effect: is.grants ? "looser" : "changed" },
  ];
}

function toolChanges(was: FileDocument, is: FileDocument): Said[] {
  if (isDeepStrictEqual(was.tools?.toSorted(), is.tools?.toSorted())) return [];
  const text = was.tools && is.tools ? listChange(was.tools, is.tools) : `${toolText(was)} -> ${toolText(is)}`;
  const covers: Effect = was.tools && is.tools ? byMembers(was.tools, is.tools) : is.tools ? "stricter" : "looser";
  // A guardrail for fewer tools restricts less; another file grants and restricts at once.
  return [{ what: `tools ${text}`, effect: was.grants || is.grants ? "changed" : opposite(covers) }];
}

function toolText({ tools }: FileDocument): string {
  return tools ? tools.join(", ") : "every tool";
}

function denialChanges(was: FileDocument, is: FileDocument): Said[] {
  const names = ({ deny_actions: deny }: FileDocument): string[] =>
    deny ? [...deny.exact, ...deny.prefixes.map((prefix) => `${prefix}*`)] : [];
  const what = listChange(names(was), names(is));
  const shadow = (is.deny_actions ?? was.deny_actions)?.mode === "shadow";
  const effect = shadow ? "shadow" : opposite(byMembers(names(was), names(is)));
  return [
    ...(what === "" ? [] : [{ what: `deny_actions ${what}`, effect }]),
    ...(was.deny_actions && is.deny_actions ? standingChanges("deny_actions", was.deny_actions, is.deny_actions) : []),
  ];
}

function egressChanges({ egress: was }: FileDocument, { egress: is }: FileDocument): Said[] {
  const hosts = (egress: FileDocument["egress"]): string[] =>
    (egress?.allow ?? []).map(({ host, wildcard, port }) => `${wildcard ? "*." : ""}${host}${port ? `:${port}` : ""}`);
  if (was && is) {
    const what = listChange(hosts(was), hosts(is));
    const effect = is.mode === "shadow" ? "shadow" : byMembers(hosts(was), hosts(is));
    return [...(what === "" ? [] : [{ what: `egress.allow ${what}`, effect }]), ...standingChanges("egress", was, is)];
  }
  const egress = was ?? is;
  if (!egress) return [];
  const effect = egress.mode === "shadow" ? "shadow" : is ? "stricter" : "looser";
  return [{ what: `egress.allow ${hosts(egress).join(", ")} ${is ? "added" : "removed"}`, effect }];
}

function actionChanges(was: FileDocument, is: FileDocument, before: Files, after: Files): InFile[] {
  const names = [...new Set([...was.actions, ...is.actions].map(({ name }) => name))];
  return names.flatMap((action) => {
    const [old, now] = [entriesOf(was, action), entriesOf(is, action)];
    return Array.from({ length: Math.max(old.length, now.length) }, (_, i) => [old[i], now[i]] as const).flatMap(
      ([one, other]): InFile[] => {
        if (one && other) return entryChanges(one, other).map((said) => ({ action, ...said }));
        const grants = (other ? is : was).grants;
        const rest = other ? grantedBy(before, action) : grantedBy(after, action);
        const effect = presenceEffect(grants, rest, other !== undefined);
        const empty: ActionDocument = { name: action, rules: [] };
        // What an entry says is part of it, so it is told without an effect of its own.
        const within = entryChanges(one ?? empty, other ?? empty).map(({ what }) => what);
        const rules = within.length > 0 ? `: ${within.map(bare).join("; ")}` : "";
        return [{ action, what: `action ${other ? "added" : "removed"}${rules}`, effect }];
      },
    );
  });
}

function entriesOf({ actions }: FileDocument, name: string): ActionDocument[] {
  return actions.filter((entry) => entry.name === name);
}

/** An entry more grants where nothing else does, and only restricts in a guardrail. */
function presenceEffect(grants: boolean, grantedOtherwise: boolean, added: boolean): Effect {
  if (!grants) return added ? "stricter" : "looser";
  if (grantedOtherwise) return "changed";
  return added ? "looser" : "stricter";
}

function grantedBy(files: Files, action: string): boolean {
  return files.some(({ grants, actions }) => grants && actions.some(({ name }) => name === action || name === "*"));
}

function bare(what: string): string {
  return what.replace(/ (added|removed)$/, "");
}
