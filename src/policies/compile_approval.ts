import { durationText } from "../duration.js";
import type { Path } from "../files/located_yaml.js";
import type { Mode } from "../verdict.js";
import { type ApprovalSource, termsOf } from "./approval.js";
import type { CompileContext } from "./compile_context.js";
import type { Condition } from "./condition/flat.js";
import { conditionWritten } from "./condition/written.js";
import type { ActionDocument } from "./document.js";
import type { RuleSource } from "./rule.js";
import type { ActionSource } from "./schema.js";

/** What a file or an entry of `actions` says of approvals. */
type Written = Pick<ActionSource, "approval_needed" | "approval">;

/** When people are asked. */
interface Asking {
  source: string;
  /** Absent = as the entry. */
  mode: Mode | undefined;
  condition: Condition;
}

/** What a file says of the approvals of all its actions, read once for all of them. */
export interface FileApproval {
  /** `null` = nobody is asked. */
  asking: Asking | null;
  approval: ApprovalSource;
}

/** Reads `approval_needed` and `approval` of the file itself. */
export function fileApproval(context: CompileContext): FileApproval {
  const { approval_needed, approval = {} } = context.source.value;
  checkEscalation(approval, approval, [], context);
  return { asking: askingOf({ approval_needed, approval }, [], context) ?? null, approval };
}

/**
 * What an entry asks of people, and how. Its own condition stands in for that of the file, and each key of its `approval`
 * for the same one of the file.
 */
export function compileApproval(
  action: Written,
  at: Path,
  context: CompileContext,
  whole: FileApproval,
): Pick<ActionDocument, "approval" | "terms"> {
  const own = askingOf(action, at, context);
  const asking = own === undefined ? whole.asking : own;
  const approval = { ...whole.approval, ...action.approval };
  checkEscalation(approval, action.approval ?? {}, at, context);
  const terms = termsOf(approval);
  return {
    ...(asking && { approval: { ...asking, mode: asking.mode ?? context.defaults.mode } }),
    ...(terms && { terms }),
  };
}

/** `undefined` where nothing is said of when people are asked. */
function askingOf(
  { approval_needed: needed, approval }: Written,
  at: Path,
  { mistake, patternMistake }: CompileContext,
): Asking | null | undefined {
  const [condition, path]: [RuleSource<string | boolean> | undefined, Path] = needed
    ? [needed, ["approval_needed"]]
    : [approval?.when, ["approval", "when"]];
  if (condition === undefined) return undefined;
  if (condition.value === false) return null;
  const source = String(condition.value);
  const compiled = conditionWritten(source, {
    patternMistake,
    mistake: (message, within) => mistake([...at, ...path, ...condition.at], message, within),
  });
  return compiled ? { source, mode: condition.mode, condition: compiled } : null;
}

/** Of what holds for an entry, `own` is what it says itself; where it says nothing the file was told already. */
function checkEscalation(
  { escalate, expires_in: expires }: ApprovalSource,
  own: ApprovalSource,
  at: Path,
  { mistake }: CompileContext,
): void {
  if (!escalate || expires === undefined || escalate.after < expires) return;
  const [after, end] = [durationText(escalate.after), durationText(expires)];
  if (own.escalate) {
    mistake(
      [...at, "approval", "escalate", "after"],
      `must be shorter than \`expires_in\`, ${end}: nobody could answer`,
    );
  } else if (own.expires_in !== undefined) {
    mistake(
      [...at, "approval", "expires_in"],
      `must be longer than \`escalate.after\` of the file, ${after}: nobody could answer`,
    );
  }
}
