import { type Dialect, kernelsOwn, lines, word } from '../dialect.js';
import { flag, probes, time } from '../units.js';

/** systemd.time(7), without the units that are longer than the kernel's limit. */
const suffixes = {
  ...{ ms: 1, msec: 1, s: 1000, sec: 1000, second: 1000, seconds: 1000 },
  ...{ m: 60_000, min: 60_000, minute: 60_000, minutes: 60_000, h: 3_600_000, hr: 3_600_000, hour: 3_600_000 },
  hours: 3_600_000,
};
/** parse_boolean() of systemd */
const onOff = flag(['yes', 'y', 'true', 't', 'on', '1'], ['no', 'n', 'false', 'f', 'off', '0'], { ignoresCase: true });
const special = { 0: 'unsaid' } as const;
const seconds = time({ bareMs: 1000, suffixes, special });
const rest = { value: String.raw`\S+(?:[ \t]+\S+)*` };

/** The options of a socket unit. */
export const systemd = (): Dialect => ({
  name: 'systemd',
  title: 'systemd socket units, towards clients',
  place: 'the .socket unit, or a drop-in for it: systemctl edit NAME.socket, then restart the socket unit',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/systemd.socket.html#KeepAlive=',
  words: [
    word('KeepAlive', 'enabled', onOff, rest),
    word('KeepAliveTimeSec', 'idle', seconds, rest),
    word('KeepAliveIntervalSec', 'interval', seconds, rest),
    word('KeepAliveProbes', 'count', probes(special), rest),
  ],
  comment: /^[ \t]*[#;].*/gm,
  isLastValid: true,
  turnedOnBy: 'KeepAlive=yes',
  unsaid: kernelsOwn,
  noUserTimeout: 'socket units have no word for it',
  off: { text: '[Socket]\nKeepAlive=no\n' },
  notes: ['accepted connections inherit it from the listener, unless the service sets its own'],
  write: ({ idle, interval, count }) =>
    lines(
      '[Socket]',
      'KeepAlive=yes',
      `KeepAliveTimeSec=${idle}`,
      `KeepAliveIntervalSec=${interval}`,
      `KeepAliveProbes=${count}`,
    ),
});
