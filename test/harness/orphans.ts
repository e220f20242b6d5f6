import { type ChildProcess, spawn } from "node:child_process";

/*
 * One small shell per process of ours keeps the list of what we started. Its standard input closes when we are gone, however
 * that came about, and then it ends what is left. Exit handlers would not run after SIGKILL, nor reliably in a test worker.
 * It has a session of its own, so that Ctrl-C in the terminal does not take it away first.
 */
const script = `
pids=" "
while read -r op pid; do
  case $op in
    add) pids="$pids$pid " ;;
    del) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -CONT $pid; kill -TERM $pid; done 2>/dev/null
[ "$pids" = " " ] || sleep 2
for pid in $pids; do kill -KILL $pid; done 2>/dev/null
`;

let guard: ChildProcess | undefined;
const guarded = new Set<number>();

/** From now on the process does not outlive ours. */
export function guardFromOrphaning(pid: number): void {
  guard ??= startGuard();
  guarded.add(pid);
  guard.stdin?.write(`add ${pid}\n`);
}

/** To be called as soon as the process has ended, before its number can belong to another. */
export function releaseFromGuard(pid: number): void {
  if (!guarded.delete(pid)) return;
  guard?.stdin?.write(`del ${pid}\n`);
  if (guarded.size > 0) return;
  guard?.stdin?.end();
  guard = undefined;
}

function startGuard(): ChildProcess {
  const child = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  child.unref();
  return child;
}
