/** One way of doing what a benchmark measures. */
export interface Contestant {
  readonly name: string;
  /** Runs one round and gives what it measured. */
  round(): number | Promise<number>;
}

/** What one contestant measured, round by round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

export interface Spread {
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
}

function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** The median and quartiles of what was measured. */
function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    lowerQuartile: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    upperQuartile: quantile(sorted, 0.75),
  };
}

/**
 * Lets the contestants take turns, each in every round, so that a change in the machine's load meets them all.
 *
 * Each round begins with another contestant; warm-up rounds are not counted.
 */
export async function takeTurns(contestants: readonly Contestant[], rounds: number, warmUps: number): Promise<Rounds> {
  const measured = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < rounds; round += 1) {
    const first = Math.abs(round) % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const value = await contestant.round();
      if (round >= 0) measured.get(contestant.name)?.push(value);
    }
  }
  return measured;
}

/** The spread of one contestant's measurements. */
export function spreadOf(rounds: Rounds, name: string): Spread {
  return spread(rounds.get(name) ?? []);
}

/** The spread of `a - b`, each difference taken within one round. */
export function pairedDifference(rounds: Rounds, a: string, b: string): Spread {
  const others = rounds.get(b) ?? [];
  return spread((rounds.get(a) ?? []).map((value, round) => value - (others[round] ?? Number.NaN)));
}

/** The spread of `a / b`, each ratio taken within one round. */
export function pairedRatio(rounds: Rounds, a: string, b: string): Spread {
  const divisors = rounds.get(b) ?? [];
  return spread((rounds.get(a) ?? []).map((value, round) => value / (divisors[round] ?? Number.NaN)));
}
