/** Owner and a reading group (as in mounted secrets) may reach a secret file, nobody else. `mode` is of its `stat`. */
export function isExposed(mode: number): boolean {
  return process.platform !== "win32" && (mode & 0o027) !== 0;
}
