/**
 * Makes docs/middleboxes.md from the table of middleboxes in dist/. `node scripts/middleboxes-page.mjs` writes the page;
 * `middleboxesPage()` returns it for the test that compares them.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { judgeBehind, middleboxes, recommendedIdle } from '../dist/index.js';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** Returns a timeout in the largest unit of which it is a whole number, up to 600 s in seconds. */
function duration(ms) {
  const fitting = ms <= 600_000 ? units.slice(3) : units;
  const [unit, length] = fitting.find(([, length]) => ms % length === 0);
  return `${ms / length} ${unit}`;
}

function rangeText({ leastMs, mostMs }) {
  if (leastMs !== undefined && mostMs !== undefined) return `${duration(leastMs)} to ${duration(mostMs)}`;
  return mostMs === undefined ? 'yes' : `to ${duration(mostMs)}`;
}

function settableText(settable) {
  if (settable === null) return 'unknown';
  if (settable === false) return 'no';
  return settable.by === undefined ? rangeText(settable) : `${rangeText(settable)}, ${settable.by}`;
}

const expiries = {
  silent: 'nothing: dropped',
  reset: 'RST',
  closes: 'it has closed',
  unknown: 'unknown',
};

const counts = new Map([
  [true, 'yes'],
  [false, '**no**'],
  [null, 'unknown'],
]);

function row(middlebox) {
  const { name, title, timeoutMs, settable, onExpiry, keepAliveCounts, sure } = middlebox;
  const idle = recommendedIdle(middlebox);
  const isAdvised = idle !== undefined && keepAliveCounts === true;
  const cells = [
    `\`${name}\``,
    title,
    timeoutMs === null ? 'no default' : duration(timeoutMs),
    settableText(settable),
    expiries[onExpiry],
    counts.get(keepAliveCounts),
    isAdvised ? `${idle / 1000} s` : '-',
    sure,
  ];
  return `| ${cells.join(' | ')} |`;
}

function sourceLine({ name, source, date, note, sure }) {
  const dated = date === undefined ? '' : ` (${date})`;
  const from = source === 'none' ? 'no source was found' : `${source}${dated}`;
  return `- \`${name}\`, ${sure}: ${from}${note === undefined ? '' : `; ${note}`}.`;
}

/** Returns the text of docs/middleboxes.md. */
export function middleboxesPage() {
  const tooLate = judgeBehind('340:5:3', 'aws-nlb');
  const lines = [
    '# Middleboxes and their idle timeouts',
    '',
    'A NAT, firewall or load balancer forgets a quiet connection after its idle timeout. Both ends still call the connection',
    'established. This page lists the timeouts that the API and `--behind` of [`ls`](list-connections.md#behind-a-middlebox),',
    '[`explain`](explain-a-policy.md) and [`plan`](choose-a-policy.md) know.',
    '',
    '<!-- exits: 0 3 -->',
    '```sh',
    'npx tcp-keepalive ls --behind aws-nlb --state established --explain',
    '```',
    '',
    '<!-- expects: too-late -->',
    `<!-- expects: ${tooLate.marginMs} -->`,
    `<!-- expects: ${recommendedIdle('aws-nlb')} -->`,
    '<!-- expects: not-counted -->',
    '```ts',
    "import { judgeBehind, middleboxOf, recommendedIdle } from 'tcp-keepalive';",
    '',
    "console.log(middleboxOf('aws-nlb').timeoutMs); // 350000",
    "console.log(judgeBehind('340:5:3', 'aws-nlb').outcome); // too-late: kernel timers are late by up to 12.5 %",
    `console.log(judgeBehind('340:5:3', 'aws-nlb').marginMs); // ${tooLate.marginMs}: at worst, this much too late`,
    `console.log(recommendedIdle('aws-nlb')); // ${recommendedIdle('aws-nlb')}`,
    "console.log(judgeBehind('30:5:3', 'aws-alb').outcome); // not-counted",
    '```',
    '',
    '- **Timeout** is the default for an established connection. If the timeout was changed, give it: `--behind 20m`.',
    '- **Next packet** is what a packet meets after the timeout.',
    '- **Counts**: whether a keepalive probe counts as traffic. Probes do not count at a proxy that terminates TCP: send an HTTP/2',
    "  PING or a WebSocket ping, or raise the proxy's own timeout.",
    '- **Idle** is the longest idle time that is safe with an interval of 5 s: the first probe and one repeat go out before the timeout,',
    '  even if both [timers](predict-detection.md#why-a-range) are as late as they can be.',
    '- **Sure**: a `confirmed` timeout was read in the documentation or source of the maker, a `secondary` one elsewhere. An `unconfirmed`',
    '  one has no source.',
    '',
    '| name | middlebox | timeout | settable | next packet | counts | idle | sure |',
    '|---|---|---|---|---|---|---|---|',
    ...middleboxes.map(row),
    '',
    'These times do not include the time on the path, and the timer of a middlebox may be less exact than that of a kernel. Choose an',
    'idle time well below the listed one: the cost is small. 30 s is below all of them.',
    '',
    '## Sources',
    '',
    ...middleboxes.map(sourceLine),
  ];
  return `${lines.join('\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(path.join(import.meta.dirname, '..', 'docs', 'middleboxes.md'), middleboxesPage());
}
