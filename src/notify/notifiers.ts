import type { Config } from "../config/schema.js";
import type { SigningKey } from "../keys/keys.js";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";
import type { Notifier, NotifierName } from "./notifier.js";
import { openSlack } from "./slack.js";
import { openTeams } from "./teams.js";
import { openWebhook } from "./webhook.js";

/** What notifiers are given beside their part of the configuration. */
export interface NotifierDeps {
  store: Store;
  runtime: Runtime;
  /** Under which people reach the page of approvals. */
  publicUrl: string;
  /** Signs the links that open it. */
  key: SigningKey;
}

/** One way to tell people. */
interface NotifierRow {
  name: NotifierName;
  /** `null` when it is not configured. Throws an `Error` for the operator about a file that cannot be used. */
  open(config: Config["approvals"], deps: NotifierDeps): Promise<Notifier | null>;
}

const rows: readonly NotifierRow[] = [
  { name: "slack", open: ({ slack }, { store }) => openSlack(slack, store) },
  { name: "teams", open: ({ teams }, deps) => openTeams(teams, deps) },
  { name: "webhook", open: ({ webhook }, { runtime }) => openWebhook(webhook, runtime) },
];

/** Those that are configured, in the order of the table. */
export async function openNotifiers(config: Config["approvals"], deps: NotifierDeps): Promise<Notifier[]> {
  const opened = await Promise.all(rows.map((row) => row.open(config, deps)));
  return opened.filter((notifier) => notifier !== null);
}
