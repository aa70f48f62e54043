import { spokenDuration } from '../../policy/duration.js';
import { recommendedIdle } from '../../policy/plan/judge-behind.js';
import { type Middlebox, surenessMarks } from '../../policy/plan/middlebox.js';
import { insteadOfProbes } from '../../policy/warnings/behind-warning.js';
import { humanDuration } from './duration.js';

/** Returns a warning if probes do not count at a middlebox, or if that is not known; `undefined` if they count. */
export function middleboxCaveat({ title, keepAliveCounts }: Middlebox): string | undefined {
  if (keepAliveCounts === false) {
    return (
      `keepalive does not count at ${title}, which answers probes itself and counts data only: verdicts are those without --behind; ` +
      insteadOfProbes
    );
  }
  if (keepAliveCounts !== null) return undefined;
  return `whether keepalive counts at ${title} is not known: also a connection that is not exposed may be dropped`;
}

/** Returns a line on the middlebox that a list was made for: its timeout, how sure that is, and an idle time that is safe. */
export function middleboxText(middlebox: Middlebox): string {
  const { title, timeoutMs, keepAliveCounts, sure } = middlebox;
  const timeout = timeoutMs === null ? 'no default idle timeout' : `idle timeout ${humanDuration(timeoutMs)}`;
  const head = `behind ${title}: ${timeout}${surenessMarks[sure]}`;
  if (keepAliveCounts === false) return `${head}; keepalive does not count`;
  if (keepAliveCounts === null) return `${head}; whether keepalive counts is not known`;
  const idle = recommendedIdle(middlebox);
  return idle === undefined
    ? head
    : `${head}; safe with an idle time of ${spokenDuration(idle)} or less and an interval of 5 s, also if a probe is lost`;
}
