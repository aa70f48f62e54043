import { roundedSeconds, spokenDuration } from '../duration.js';
import type { BehindJudgement } from '../plan/judge-behind.js';
import type { PolicyWarning } from './policy-warnings.js';

/** What to do at a middlebox where probes do not count. */
export const insteadOfProbes = 'send an HTTP/2 PING or a WebSocket ping, or raise its own timeout';

/** Returns a warning if the probes of a policy do not keep a connection in a middlebox; `undefined` if they do, or if not known. */
export function behindWarning(judgement: BehindJudgement): PolicyWarning | undefined {
  const { outcome, middlebox, firstProbe, latenessMs, recommendedIdleMs } = judgement;
  const { title, timeoutMs, source } = middlebox;
  if (outcome === 'not-counted') {
    return {
      code: 'keepalive-does-not-count',
      message: `${title} terminates TCP: it answers probes itself, and its timeout counts data only; ${insteadOfProbes}`,
      source,
    };
  }
  if (outcome !== 'too-late' || timeoutMs === null) return undefined;
  const isDueInTime = firstProbe.latestMs - latenessMs < timeoutMs;
  const late = isDueInTime ? `, because the timer is up to ${roundedSeconds(latenessMs)} late` : '';
  const better =
    recommendedIdleMs === undefined ? '' : `; an idle time of ${spokenDuration(recommendedIdleMs)} is safe`;
  return {
    code: 'idle-too-close',
    message: `${title} forgets the connection after ${spokenDuration(timeoutMs)}, and the first probe can go out after ${roundedSeconds(firstProbe.latestMs)}${late}${better}`,
    source,
  };
}
