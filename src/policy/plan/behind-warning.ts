import { roundedSeconds, spokenDuration } from '../duration.js';
import type { BehindJudgement } from './judge-behind.js';
import type { PolicyWarning } from './warnings.js';

/** Returns what is wrong with a policy behind a middlebox; `undefined` if nothing is, or if that is not known. */
export function behindWarning(judgement: BehindJudgement): PolicyWarning | undefined {
  const { outcome, middlebox, firstProbe, latenessMs, recommendedIdleMs } = judgement;
  const { title, timeoutMs, source } = middlebox;
  if (outcome === 'not-counted') {
    return {
      code: 'keepalive-does-not-count',
      message: `${title} terminates TCP: its probes are answered by the middlebox, and its own time-out counts requests. Use an HTTP/2 PING, a WebSocket ping, or the time-out of the proxy`,
      source,
    };
  }
  if (outcome !== 'too-late' || timeoutMs === null) return undefined;
  const idle = firstProbe.latestMs - latenessMs;
  const late = idle < timeoutMs ? `, because the timer is up to ${roundedSeconds(latenessMs)} late` : '';
  const better =
    recommendedIdleMs === undefined ? '' : `; an idle time of ${spokenDuration(recommendedIdleMs)} is safe`;
  return {
    code: 'idle-too-close',
    message: `${title} forgets the connection after ${spokenDuration(timeoutMs)}, and the first probe can go out after ${roundedSeconds(firstProbe.latestMs)}${late}${better}`,
    source,
  };
}
