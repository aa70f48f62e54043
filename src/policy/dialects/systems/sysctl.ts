import { type Dialect, kernelsOwn, lines, type WordForm, word } from '../dialect.js';
import { probes, seconds } from '../units.js';

/** Why no sysctl has a user timeout. */
export const noUserTimeout =
  'no sysctl has it; net.ipv4.tcp_retries2 limits how often data in flight is retransmitted, for every connection';

/** What all who set sysctls have to know. */
export const turnsNothingOn =
  'this turns keepalive on for no program: programs that turn it on and set no numbers use these numbers';

/** The kernel's sysctls, in the form of a file or of a command. */
export function sysctlWords(form: WordForm): Dialect['words'] {
  const short: WordForm = { ...form, isReadOnly: true };
  return [
    word('net.ipv4.tcp_keepalive_time', 'idle', seconds, form),
    word('net.ipv4.tcp_keepalive_intvl', 'interval', seconds, form),
    word('net.ipv4.tcp_keepalive_probes', 'count', probes(), form),
    word('tcp_keepalive_time', 'idle', seconds, short),
    word('tcp_keepalive_intvl', 'interval', seconds, short),
    word('tcp_keepalive_probes', 'count', probes(), short),
  ];
}

/** Returns lines, one for each sysctl. */
export const sysctl = (): Dialect => ({
  name: 'sysctl',
  title: "Linux, the kernel's defaults",
  place: 'a file in /etc/sysctl.d, followed by sysctl --system; tcp-keepalive defaults set does both',
  source: 'https://docs.kernel.org/networking/ip-sysctl.html (tcp_keepalive_time)',
  words: sysctlWords({}),
  comment: /^[ \t]*[#;].*/gm,
  isLastValid: true,
  unsaid: kernelsOwn,
  noUserTimeout,
  off: { never: 'each program turns keepalive on or off itself' },
  turnedOnBy: null,
  notes: [turnsNothingOn, 'each network namespace, and so each container, has values of its own'],
  write: ({ idle, interval, count }) =>
    lines(
      `net.ipv4.tcp_keepalive_time = ${idle}`,
      `net.ipv4.tcp_keepalive_intvl = ${interval}`,
      `net.ipv4.tcp_keepalive_probes = ${count}`,
    ),
});
