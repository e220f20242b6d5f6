import { Command } from "commander";
import { z } from "zod";
import { printable } from "../printable.js";
import { type ApiOptions, ask, askingServer } from "./api.js";
import { approvalForm, type ShownApproval } from "./approvals_form.js";
import { approvalText, tableOf, titleOf } from "./approvals_text.js";
import { type Done, example, print, WrongUse } from "./terminal.js";

const statuses = ["pending", "approved", "denied", "expired", "consumed"] as const;

const listForm = z.looseObject({ approvals: z.array(approvalForm) });

/** `countersign approvals`: see which calls wait for people, and answer. */
export function approvalsCommand(_done: Done): Command {
  return new Command("approvals")
    .description("See which calls wait for people, and answer them as the person whose token is given.")
    .addHelpText(...example("approvals list"))
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(answerCommand("approve", "Approve a call: exactly this one, once.", "is approved"))
    .addCommand(answerCommand("deny", "Deny a call.", "is denied"))
    .addCommand(answerCommand("revoke", "Take back an approval that is not used yet.", "is revoked"));
}

function listCommand(): Command {
  const command = new Command("list")
    .description("List approvals, newest first.")
    .option("--status <status>", `${statuses.join(", ")}, or all`, "pending")
    .option("--agent <agent>", "of one agent only")
    .option("--limit <count>", "at most so many, 1 to 1000", "100");
  return askingServer(command)
    .addHelpText(...example("approvals list --status all --agent deploy-manager"))
    .action(async (options: ApiOptions & { status: string; agent?: string; limit: string }) => {
      const { status, agent, limit } = options;
      if (status !== "all" && !statuses.some((one) => one === status)) {
        throw new WrongUse(`--status: write one of ${statuses.join(", ")}, or all`);
      }
      const query = new URLSearchParams({
        limit,
        ...(status !== "all" && { status }),
        ...(agent !== undefined && { agent }),
      });
      const list = await ask(options, { path: `/v1/approvals?${query}` }, listForm);
      print(options.json ? JSON.stringify(list) : tableOf(list.approvals));
    });
}

function showCommand(): Command {
  const command = new Command("show")
    .description("Show one approval: what makes it risky, and the exact call.")
    .argument("<id>", "apr_...");
  return askingServer(command)
    .addHelpText(...example("approvals show apr_01J8ZQ4T2N"))
    .action(async (id: string, options: ApiOptions) => {
      const approval = await ask(options, { path: pathOf(id) }, approvalForm);
      print(options.json ? JSON.stringify(approval) : approvalText(approval));
    });
}

function answerCommand(name: "approve" | "deny" | "revoke", description: string, done: string): Command {
  const command = new Command(name)
    .description(description)
    .argument("<id>", "apr_...")
    .option("--comment <text>", "why, for the record: at most 2000 characters on one line");
  return askingServer(command)
    .addHelpText(...example(`approvals ${name} apr_01J8ZQ4T2N --comment "looked at the diff"`))
    .action(async (id: string, options: ApiOptions & { comment?: string }) => {
      const comment = options.comment === undefined ? {} : { comment: options.comment };
      // The answer is to what is shown here, whatever the server may hold by then.
      const seen = await ask(options, { path: pathOf(id) }, approvalForm);
      const path = pathOf(id, name === "revoke" ? "revoke" : "decision");
      const body = name === "revoke" ? comment : { decision: name, shown: seen.shown, ...comment };
      const approval = await ask(options, { method: "POST", path, body }, approvalForm);
      if (options.json) return print(JSON.stringify(approval));
      const waits = approval.status === "pending" ? `counts; ${missing(approval)}` : done;
      const result = approval.status === "pending" ? `your answer ${waits}` : `${printable(approval.id)} ${waits}`;
      print(`${titleOf(seen)}\n${result}`);
    });
}

function missing({ quorum, decisions }: ShownApproval): string {
  const given = decisions.filter(({ decision }) => decision === "approve").length;
  return `${given} of ${quorum} people have approved`;
}

/** Names that no approval has are not put into a path. */
function pathOf(id: string, act?: string): string {
  if (!/^[\w-]{1,64}$/.test(id)) throw new WrongUse(`${printable(id)} is no id of an approval; they begin with apr_`);
  return `/v1/approvals/${id}${act === undefined ? "" : `/${act}`}`;
}
