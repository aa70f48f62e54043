/**
 * Whether a test must be skipped, for `it.skipIf`: says why, and refuses to skip where everything is installed (CI).
 */
export function cannotRun(lacking: boolean, reason: string): boolean {
  if (!lacking) return false;
  if (process.env['CI']) throw new Error(`a test cannot run: ${reason}`);
  console.warn(`skipping a test: ${reason}`);
  return true;
}
