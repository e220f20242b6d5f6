import { Command, Option } from "commander";
import { attestationFields } from "../attestation/fields.js";
import { signForHeader } from "../attestation/sign.js";
import { readJsonObject } from "../json/strict.js";
import { readKeyFile } from "../keys/keys.js";
import { Refusal } from "../refusal.js";
import { systemRuntime } from "../runtime.js";
import { integrities } from "../session.js";
import { attestKeyCommand, checkKid } from "./attest_key.js";
import { type Done, example, messageOf, print, WrongUse } from "./terminal.js";

interface Options {
  key?: string;
  session?: string;
  agent?: string;
  workflowRun?: string;
  initiatedBy?: string;
  role?: string;
  clearance?: string;
  data?: string;
  anomalies?: boolean;
  integrity: string;
  facts?: string;
  kid?: string;
  json?: boolean;
}

/** `countersign attest`: a session attestation of an observer, signed with its key on this machine. */
export function attestCommand(_done: Done): Command {
  return new Command("attest")
    .description("Sign what an observer says of a session, as a value for the header x-session-attestation.")
    .enablePositionalOptions()
    .option("-k, --key <file>", "the observer's key (JWK)")
    .option("-s, --session <id>", "session that it is about")
    .option("--agent <id>", "agent whose session it is (recommended: other agents' sessions may have the same id)")
    .option("--workflow-run <id>", "run in CI that the session belongs to")
    .option("--initiated-by <person>", "who started the session")
    .option("--role <role>", "the job of who started it")
    .option("--clearance <name>", "what they are cleared for")
    .option("--data <names>", "kinds of data that the session touched, separated by commas (default: none)")
    .option("--anomalies", "something happened in the session that should not have")
    .addOption(new Option("--integrity <word>", "how far it can be trusted").choices([...integrities]).default("clean"))
    .option("--facts <json>", "facts to vouch for, as a JSON object")
    .option("--kid <name>", "name of the key with who checks (default: the key's own)")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("attest --key ./var/observer.jwk --session ses-7 --agent deploy-manager --data config"))
    .addCommand(attestKeyCommand())
    .action(async (options: Options) => {
      const { session } = options;
      if (options.key === undefined) throw new WrongUse("--key: name the file of the key that signs");
      if (session === undefined) throw new WrongUse("--session: name the session that the attestation is about");
      if (options.kid !== undefined) checkKid(options.kid);
      const key = await readKeyFile(options.key, "attestation");
      const signed_at = new Date(systemRuntime.now()).toISOString();
      const attestation = sign({ ...said(options), session_id: session, signed_at });
      print(options.json ? JSON.stringify({ session, kid: options.kid ?? key.kid, attestation }) : attestation);

      function sign(fields: object): string {
        const checked = attestationFields.safeParse(fields);
        if (!checked.success) throw malformed(String(checked.error.issues[0]?.path[0]));
        try {
          return signForHeader(key, checked.data, { id: systemRuntime.id(), kid: options.kid ?? key.kid });
        } catch (error) {
          throw error instanceof RangeError ? new WrongUse(messageOf(error)) : error;
        }
      }
    });
}

/** The fields that the options name, not yet checked. */
function said(options: Options): object {
  const { agent, workflowRun, initiatedBy, role, clearance, data, facts } = options;
  return {
    ...(agent !== undefined && { agent_id: agent }),
    ...(workflowRun !== undefined && { workflow_run_id: workflowRun }),
    ...(initiatedBy !== undefined && { initiated_by: initiatedBy }),
    ...(role !== undefined && { role }),
    ...(clearance !== undefined && { clearance }),
    data_classification: data === undefined ? [] : data.split(",").map((name) => name.trim()),
    anomalies_detected: options.anomalies ?? false,
    session_integrity: options.integrity,
    ...(facts !== undefined && { facts: factsOf(facts) }),
  };
}

function factsOf(text: string): object {
  try {
    return readJsonObject(Buffer.from(text));
  } catch (error) {
    if (error instanceof Refusal) throw malformed("facts");
    throw error;
  }
}

const line = "must be 1 to 256 characters on one line";
const forms: Readonly<Record<string, string>> = {
  session_id: "--session: must be 1 to 160 visible characters without spaces",
  workflow_run_id: `--workflow-run: ${line}`,
  initiated_by: `--initiated-by: ${line}`,
  role: `--role: ${line}`,
  clearance: `--clearance: ${line}`,
  data_classification: "--data: at most 64 names of letters, digits, . _ - separated by commas, such as pii,config",
  facts: '--facts: write a JSON object of at most 64 facts, such as {"tests_passed": true}',
};

function malformed(field: string): WrongUse {
  return new WrongUse(forms[field] ?? `no attestation may hold this ${field}`);
}
