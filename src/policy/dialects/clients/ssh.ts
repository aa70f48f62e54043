import { always, type Dialect, lines, word } from '../dialect.js';
import { probes, time } from '../units.js';

/** TIME FORMATS of sshd_config(5) */
const suffixes = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const seconds = time({ bareMs: 1000, suffixes, special: { 0: 'off' } });
const form = { separator: String.raw`(?:[ \t]*=[ \t]*|[ \t]+)` };
const ofServer = { ...form, isReadOnly: true } as const;

/** Questions inside the encrypted channel: ssh gives up when one more would be due (clientloop.c, server_alive_check). */
export const ssh = (): Dialect => ({
  name: 'ssh',
  title: 'OpenSSH, the ServerAlive messages of the client',
  place: '~/.ssh/config; sshd_config has ClientAliveInterval and ClientAliveCountMax in the same way',
  source: 'https://man.openbsd.org/ssh_config#ServerAliveInterval, clientloop.c',
  words: [
    word('ServerAliveInterval', 'idle', seconds, form),
    word('ServerAliveCountMax', 'count', probes(), form),
    word('ClientAliveInterval', 'idle', seconds, ofServer),
    word('ClientAliveCountMax', 'count', probes(), ofServer),
  ],
  comment: /^[ \t]*#.*/gm,
  ignoresCase: true,
  unsaid: {
    idle: { why: 'without ServerAliveInterval ssh sends no messages', value: () => 'off' },
    interval: { why: 'ssh asks again after the same time', value: ({ idle = 0 }) => idle },
    count: always(3, 'ssh asks 3 times'),
  },
  noUserTimeout: 'ssh has no word for it; its messages find a dead peer while data is in flight too',
  off: { text: 'Host *\n    ServerAliveInterval 0\n' },
  notes: [
    'ServerAlive is not TCP keepalive: the messages are inside the encrypted channel, and the program at the other end answers',
    'TCPKeepAlive yes, the default, turns TCP keepalive on with the numbers of the kernel',
  ],
  write: ({ idle, count }) => lines('Host *', `    ServerAliveInterval ${idle}`, `    ServerAliveCountMax ${count}`),
});
