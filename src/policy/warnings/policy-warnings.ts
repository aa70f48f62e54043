import { spokenDuration } from '../duration.js';
import { inFlightDetection } from '../model/detection-time.js';
import { probesOnKernels, type QuietSettings } from '../model/quiet-death.js';

/** A part of a policy that its author may not have meant. */
export interface PolicyWarning {
  /** The stable name of the warning, such as `data-in-flight-governs`. */
  readonly code: string;
  readonly message: string;
  /** The document or kernel source that has the reason. */
  readonly source: string;
}

const keepAliveTimer = 'Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer()';

/** Whole thousands of seconds, in milliseconds: a number of seconds that was meant as milliseconds. */
const thousandSecondsMs = 1_000_000;

const oneLostProbe = 'one lost probe, or one lost answer, ends a connection whose peer is there';

const rules: readonly ((settings: QuietSettings, retries2: number) => PolicyWarning | undefined)[] = [
  (settings) => {
    const { idle, userTimeout = 0 } = settings;
    if (userTimeout === 0 || probesOnKernels(settings).fewest > 1) return undefined;
    const isBelow = userTimeout <= idle;
    const than = isBelow ? `idle, ${spokenDuration(idle)}` : 'idle + interval, timer lateness included';
    return {
      code: isBelow ? 'user-timeout-below-idle' : 'user-timeout-allows-one-probe',
      message: `the user timeout, ${spokenDuration(userTimeout)}, is not longer than ${than}: ${oneLostProbe}`,
      source: keepAliveTimer,
    };
  },
  (settings) => {
    const { count, userTimeout = 0 } = settings;
    const { fewest, most } = probesOnKernels(settings);
    if (userTimeout === 0 || (fewest <= count && count <= most)) return undefined;
    const given =
      most === 1 ? '1 unanswered probe ends' : `${fewest === most ? '' : `${fewest} to `}${most} unanswered probes end`;
    return {
      code: 'count-is-ignored',
      message: `the user timeout decides on a quiet connection too: ${given} it, not ${count}`,
      source: keepAliveTimer,
    };
  },
  ({ count, userTimeout = 0 }) =>
    count > 1 || userTimeout !== 0
      ? undefined
      : { code: 'count-1', message: `with a count of 1, ${oneLostProbe}`, source: keepAliveTimer },
  ({ userTimeout = 0, rtoMax }, retries2) => {
    if (userTimeout !== 0) return undefined;
    const { latestMs } = inFlightDetection(rtoMax === undefined ? {} : { rtoMax }, { retries2 });
    return {
      code: 'data-in-flight-governs',
      message:
        `without a user timeout, a peer that vanishes with data in flight is noticed after up to ${Math.ceil(latestMs / 1000)} s: ` +
        'keepalive is silent until the data is acknowledged',
      source: 'Linux Documentation/networking/ip-sysctl.rst, tcp_retries2; tcp_keepalive_timer()',
    };
  },
  ({ userTimeout = 0, rtoMax }, retries2) => {
    if (userTimeout === 0) return undefined;
    const options = rtoMax === undefined ? {} : { rtoMax };
    const withoutMs = inFlightDetection(options, { retries2 }).latestMs;
    const { latestMs } = inFlightDetection({ ...options, userTimeout }, { retries2 });
    if (latestMs <= withoutMs) return undefined;
    const [late, sooner] = [latestMs, withoutMs].map((ms) => `${Math.ceil(ms / 1000)} s`);
    return {
      code: 'user-timeout-delays-detection',
      message: `a peer that vanishes with data in flight is noticed after up to ${late}, without the user timeout after up to ${sooner}: the user timeout replaces tcp_retries2`,
      source: 'Linux net/ipv4/tcp_timer.c, tcp_write_timeout()',
    };
  },
  ({ idle, interval }) =>
    interval <= idle
      ? undefined
      : {
          code: 'interval-longer-than-idle',
          message: `the interval, ${spokenDuration(interval)}, is longer than idle: after a probe, the next one comes after the interval, also if the first was answered`,
          source: keepAliveTimer,
        },
  ({ idle, interval }) =>
    idle % thousandSecondsMs !== 0 || interval % thousandSecondsMs !== 0
      ? undefined
      : {
          code: 'milliseconds-meant',
          message: `idle and interval are ${spokenDuration(idle)} and ${spokenDuration(interval)}: were ${idle / thousandSecondsMs} s and ${interval / thousandSecondsMs} s meant?`,
          source: 'the options are in seconds: tcp(7)',
        },
];

/**
 * Returns warnings about parts of a policy that may not have been meant.
 *
 * @param settings All numbers of keepalive, which is on.
 * @param retries2 The sysctl `net.ipv4.tcp_retries2`. Default: 15.
 */
export function policyWarnings(settings: QuietSettings, retries2 = 15): PolicyWarning[] {
  return rules.map((rule) => rule(settings, retries2)).filter((warning) => warning !== undefined);
}
