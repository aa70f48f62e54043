import { always, type Dialect, lines, type Word, type WordField, word } from '../dialect.js';
import { flag, probes, time, type Unit } from '../units.js';

const form = { separator: String.raw`(?:[ \t]*[=:][ \t]*|[ \t]+)` };
const special = { 0: 'unsaid' } as const;
const seconds = time({ bareMs: 1000, special });
const argument = { separator: String.raw`\s*,\s*`, value: String.raw`\d+(?=L?\s*\))` } as const;
/** The idle time and the interval of curl and libcurl themselves. */
const ownMs = 60_000;
const atLeast89 = 'curl 8.9 has 9 of its own';

/** `curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, 30L)`, in which nothing is on by default (lib/url.c). */
const libcurl = (option: string, field: WordField, unit: Unit): Word => ({
  ...word(`CURLOPT_TCP_${option}`, field, unit, argument),
  isReadOnly: true,
  turnedOnBy: 'CURLOPT_TCP_KEEPALIVE, 1L',
  unsaid: {
    idle: always(ownMs, `libcurl has ${ownMs / 1000} s of its own`),
    interval: always(ownMs, `libcurl has ${ownMs / 1000} s of its own`),
    count: always(9, atLeast89),
  },
});
const onOff = flag(['keepalive'], ['no-keepalive']);

/** Returns a word that is its own value: on the command line after hyphens, or first in a line of a file. */
const bareWord = (name: string, unit: Unit): Word => ({
  word: name,
  says: { enabled: unit },
  value: new RegExp(`(?<=(?<enabled>${name}))`, 'y'),
  allowed: 'nothing',
  onlyBefore: /(?<=(?:--|(?:^|\n)[ \t]*)[\w-]+)(?![\w-])/y,
});

/** The options of the command, and those of libcurl (src/tool_operate.c). */
export const curl = (): Dialect => ({
  name: 'curl',
  title: 'curl',
  place: '.curlrc or a file for curl --config; on the command line with -- before each name',
  source:
    'https://curl.se/docs/manpage.html#--keepalive-time, https://curl.se/libcurl/c/CURLOPT_TCP_KEEPCNT.html, src/config2setopts.c',
  words: [
    word('keepalive-time', 'idle', seconds, form),
    word('keepalive-cnt', 'count', probes(special), form),
    bareWord('no-keepalive', onOff),
    { ...bareWord('keepalive', onOff), isReadOnly: true },
    libcurl('KEEPALIVE', 'enabled', flag(['1'], ['0'])),
    libcurl('KEEPIDLE', 'idle', seconds),
    libcurl('KEEPINTVL', 'interval', seconds),
    libcurl('KEEPCNT', 'count', probes()),
  ],
  comment: /^[ \t]*(?:#|\/\/).*/gm,
  isLastValid: true,
  unsaid: {
    idle: always(ownMs, `curl has ${ownMs / 1000} s of its own`),
    interval: { why: 'curl uses keepalive-time for both', value: ({ idle = ownMs }) => idle },
    count: always(9, atLeast89),
  },
  noUserTimeout: 'curl has no word for it; --max-time and --speed-time limit a transfer',
  off: { text: 'no-keepalive\n' },
  notes: [
    'keepalive-cnt needs curl 8.9; an older curl refuses it and leaves the count to the kernel',
    'libcurl can say all but the user timeout: CURLOPT_TCP_KEEPALIVE, KEEPIDLE, KEEPINTVL and KEEPCNT',
  ],
  write: ({ idle, count }) => lines(`keepalive-time = ${idle}`, `keepalive-cnt = ${count}`),
});
