/**
 * Writes random configurations, lets systemd-sysctl apply each, and compares what the kernel then has with what the
 * sources say. Run it in a network namespace and with directories of its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { numberOfValue } from '../../../src/host/sysctl/configuration-text.js';
import { sysctlSources } from '../../../src/host/sysctl/sources.js';
import { keepAliveSysctls, sysctlFile } from '../../../src/socket/kernel-defaults.js';

export interface Comparison {
  /** What was not as the sources say: the configuration, the kernel's value and the expected one. */
  readonly differences: readonly unknown[];
  /** How often the configuration changed a value at all. */
  readonly changed: number;
}

const directories = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d'];

const names = fc.constantFrom('10-a.conf', '20-b.conf', '99-z.conf', 'a.conf', 'B.conf', '10-a.x.conf', 'c.txt');

const keys = fc.constantFrom(
  ...['time', 'intvl', 'probes'].flatMap((name) => [
    `net.ipv4.tcp_keepalive_${name}`,
    `net/ipv4/tcp_keepalive_${name}`,
    `net/ipv4//tcp_keepalive_${name}`,
    `net.ipv4/tcp_keepalive_${name}`,
    `net.*.tcp_keepalive_${name}`,
    `/net/ipv4/tcp_keepalive_[[:lower:]]${name.slice(1)}`,
    `net.ipv?.tcp_keepalive_[${name[0]}]*`,
    `net.ipv4.tcp_keepalive_[!${name[0]}]*`,
    `net.ipv4.tcp_keepalive_{${name},none*}`,
    `net.ipv4.tcp_keepalive_{${name},none}`,
    `net.ipv4.tcp_keepalive_[${name}`,
    `net.ipv4.tcp_keepalive_\\${name}*`,
  ]),
  ...[
    'net.ipv4.tcp_keepalive_*',
    'net.ipv4.tcp_keep*',
    './net/ipv4/tcp_keepalive_time',
    'net.ipv4.tcp_keepalive_[]t]*',
  ],
);

const values = fc.constantFrom('1', '2', '3', '4', '5', '010', '0x7', '7 # seven', 'abc', '', '08', '9x');
const blanks = fc.constantFrom('', '', ' ', '\t ');

const lines = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(blanks, keys, blanks, fc.constant('='), blanks, values, blanks) },
  { weight: 2, arbitrary: fc.tuple(blanks, fc.constant('-'), keys, blanks, fc.constant('='), values) },
  { weight: 1, arbitrary: fc.tuple(blanks, fc.constant('-'), blanks, keys, blanks) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('# x', '; net.ipv4.tcp_keep*=99', '', 'junk', '=5', '-', '- = 5')) },
);

const texts = fc
  .tuple(fc.array(lines, { maxLength: 5 }), fc.constantFrom('\n', '\n', '\r\n', '\r'), fc.constantFrom('\n', ''))
  .map(([parts, ending, last]) => parts.map((part) => part.join('')).join(ending) + last);

const configurations = fc.array(
  fc.record({ directory: fc.constantFrom(...directories), name: names, text: fc.option(texts, { freq: 10 }) }),
  { minLength: 1, maxLength: 4 },
);

type Configuration = ReturnType<typeof configurations.generate>['value'];

function writeConfiguration(configuration: Configuration): void {
  for (const directory of directories) {
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`);
  }
  for (const { directory, name, text } of configuration) {
    rmSync(`${directory}/${name}`, { force: true });
    if (text === null) symlinkSync('/dev/null', `${directory}/${name}`);
    else writeFileSync(`${directory}/${name}`, text);
  }
}

const program = ['/usr/lib/systemd/systemd-sysctl', '/lib/systemd/systemd-sysctl'].find((file) => existsSync(file));
const differences: unknown[] = [];
let changed = 0;

for (const configuration of fc.sample(configurations, Number(process.argv[2]))) {
  writeConfiguration(configuration);
  for (const { key, builtIn } of keepAliveSysctls) writeFileSync(sysctlFile(key), String(builtIn));
  spawnSync(program ?? '');
  const { sources } = sysctlSources();
  for (const { key, builtIn } of keepAliveSysctls) {
    const winner = sources.findLast((source) => source.key === key);
    const expected = numberOfValue(winner?.value ?? '') ?? builtIn;
    const kernel = Number(readFileSync(sysctlFile(key), 'utf8'));
    if (kernel !== builtIn) changed += 1;
    if (kernel !== expected) differences.push({ key, kernel, expected, configuration });
  }
}

const result: Comparison = { differences: differences.slice(0, 3), changed };
console.log(JSON.stringify(result));
