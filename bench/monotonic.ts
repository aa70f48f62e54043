/** The machine's clock since it started, in milliseconds: the same in every process, and never set back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
