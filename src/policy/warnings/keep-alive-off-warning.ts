import { roundedSeconds } from '../duration.js';
import type { TimeRange } from '../model/time-range.js';
import type { PolicyWarning } from './policy-warnings.js';

/** Returns the warning that keepalive is off. */
export function keepAliveOffWarning(inFlight: TimeRange): PolicyWarning {
  const [earliest, latest] = [inFlight.earliestMs, inFlight.latestMs].map(roundedSeconds);
  return {
    code: 'keepalive-off',
    message: `keepalive is off: a quiet peer that vanishes is never noticed; with data in flight it is noticed after ${earliest} to ${latest} (net.ipv4.tcp_retries2)`,
    source: 'tcp(7), SO_KEEPALIVE in socket(7); Linux Documentation/networking/ip-sysctl.rst, tcp_retries2',
  };
}
