/**
 * The probability that a run of `count` failures comes up within `rounds` rounds. Each fails with probability `p`, or `again` if the one
 * before failed.
 */
export function runProbability(p: number, count: number, rounds: number, again = p): number {
  // By the length of the run of failures that the rounds so far end with; a run that is complete stays so.
  let lengths = [1, ...Array.from({ length: count }, () => 0)];
  for (let round = 0; round < rounds; round += 1) {
    const open = lengths.slice(0, count);
    const complete = lengths[count] as number;
    const failed = open.map((share, length) => share * (length === 0 ? p : again));
    const succeeded = open.reduce((sum, share, length) => sum + share - (failed[length] as number), 0);
    lengths = [succeeded, ...failed];
    lengths[count] = (lengths[count] as number) + complete;
  }
  return lengths[count] as number;
}

/** How often, in `n` trials of probability `p`, each number of successes comes up. */
function binomial(n: number, p: number): number[] {
  let shares = [1];
  for (let trial = 0; trial < n; trial += 1) {
    const before = shares;
    shares = Array.from({ length: trial + 2 }, (_, k) => (before[k] ?? 0) * (1 - p) + (before[k - 1] ?? 0) * p);
  }
  return shares;
}

/** The least and the greatest number of successes in `n` trials, leaving out no more than `tail` at either side. */
export function successRange(n: number, p: number, tail: number): { readonly least: number; readonly most: number } {
  const shares = binomial(n, p);
  const outside = (list: readonly number[]) => {
    let sum = 0;
    return list.findIndex((share) => {
      sum += share;
      return sum > tail;
    });
  };
  return { least: outside(shares), most: n - outside(shares.toReversed()) };
}
