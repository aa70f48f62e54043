import type { Outcome } from '../../src/policy/model/scenario.js';
import type { Pair } from './pairs.js';
import { predict } from './pairs.js';
import type { Played } from './play.js';

/** By how much a measured moment may lie outside a predicted range: 0.3 s or 5 %, whichever is more. */
function toleranceMs({ death }: Outcome): number {
  return Math.max(300, 0.05 * (Number.isFinite(death.latestMs) ? death.latestMs : 0));
}

/** What the model says of the events as they were played, at the moments at which they were. */
export function predictPlayed(pair: Pair, { events, verdict, notAfterMs }: Played): Outcome {
  const until = verdict === 'alive' ? { untilMs: notAfterMs } : {};
  return predict(pair, { events, ...until });
}

/** Returns whether what was measured is what was predicted. A busy machine sees an end late, and its timers are late too. */
export function agrees(predicted: Outcome, played: Played): boolean {
  const { verdict, errors, death } = predicted;
  if (verdict !== 'either' && verdict !== played.verdict) return false;
  if (played.verdict === 'alive') return true;
  const tolerance = toleranceMs(predicted) + played.unsureMs;
  return (
    errors.includes(played.error as (typeof errors)[number]) &&
    played.notAfterMs >= death.earliestMs - tolerance &&
    played.notBeforeMs - played.stalledMs <= death.latestMs + tolerance
  );
}
