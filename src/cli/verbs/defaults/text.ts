import { shownName } from '../../../host/owners/processes.js';
import type { DefaultsChange } from '../../../host/sysctl/change.js';
import { numberOfValue } from '../../../host/sysctl/configuration-text.js';
import type { KernelDefaultsReport, NamespaceDefaults } from '../../../host/sysctl/report.js';
import type { SysctlSource } from '../../../host/sysctl/sources.js';
import {
  type KeepAliveSysctl,
  type KernelDefaults,
  keepAliveSysctls,
  sysctlNumber,
} from '../../../socket/kernel-defaults.js';
import { humanDuration } from '../../text/duration.js';
import { printable } from '../../text/printable.js';
import { cutMiddle, renderTable } from '../../text/table.js';
import { wrapText } from '../../text/wrap-text.js';

function shownValue(sysctl: KeepAliveSysctl, defaults: KernelDefaults): string {
  return `${sysctlNumber(sysctl, defaults)}${sysctl.unit === 1 ? '' : ' s'}`;
}

function isUsual({ idle, interval, count }: KernelDefaults): boolean {
  return idle >= 1000 && interval >= 1000 && count >= 1;
}

/** What the three numbers come to: idle + interval x count. */
function noticedAfter(defaults: KernelDefaults): string {
  return humanDuration(defaults.idle + defaults.interval * defaults.count);
}

function renderMeaning(defaults: KernelDefaults): string {
  if (!isUsual(defaults)) return 'A value below 1: the kernel takes it, but no connection should be given it.';
  return `${noticedAfter(defaults)} to notice a dead peer, for the programs that turn keepalive on`;
}

function place({ file, line }: SysctlSource, width = Number.POSITIVE_INFINITY): string {
  return cutMiddle(printable(`${file}:${line}`), width);
}

/** In fewer columns, keys lack `net.ipv4.`, and sources and titles are shorter. */
const roomyWidth = 76;

const shownKey = ({ key }: KeepAliveSysctl, width: number) =>
  width < roomyWidth ? key.slice(key.lastIndexOf('.') + 1) : key;

/** Where a value comes from, as far as the files and the kernel's own default tell. */
function origin(sysctl: KeepAliveSysctl, report: KernelDefaultsReport, width: number): string {
  const value = sysctlNumber(sysctl, report);
  const winner = report.sources.findLast((source) => source.key === sysctl.key);
  if (winner === undefined || winner.value === null) {
    const by = value === sysctl.builtIn ? "the kernel's own" : 'at run time';
    return width < roomyWidth ? by : `${by}; no file sets it`;
  }
  if (numberOfValue(winner.value) === value) return place(winner, width < roomyWidth ? Math.max(16, width - 31) : 38);
  return `at run time; the file says ${cutMiddle(printable(winner.value), 11)}`;
}

function renderSource(source: SysctlSource, isLast: boolean, width: number): string {
  const name = printable(source.pattern ?? source.key);
  const setting = source.value === null ? `-${name}` : `${name} = ${printable(source.value)}`;
  const readAs = source.readAs === undefined ? '' : `, read as ${printable(source.readAs)}`;
  const verdict = source.value === null ? 'keeps patterns from it' : 'wins';
  const won = isLast ? `  (${verdict})` : '';
  return [
    `  ${wrapText(`${place(source)}${readAs}`, width - 2, '    ')}`,
    `    ${wrapText(`${setting}${won}`, width - 4, '      ')}`,
  ].join('\n');
}

function renderSources(title: string, sources: readonly SysctlSource[], width: number): string[] {
  if (sources.length === 0) return [];
  const lines = sources.map((source, index) => renderSource(source, sources[index + 1]?.key !== source.key, width));
  return ['', wrapText(title, width), ...lines];
}

function namespaceRow(namespace: NamespaceDefaults): string[] {
  const { netns, name, process } = namespace;
  return [
    name ?? String(netns),
    process === null ? '' : `${process.pid} ${shownName(process)}`,
    ...keepAliveSysctls.map((sysctl) => shownValue(sysctl, namespace)),
    isUsual(namespace) ? noticedAfter(namespace) : '',
  ];
}

function renderNamespaces(namespaces: readonly NamespaceDefaults[], width: number): string[] {
  if (namespaces.length === 0) return [];
  const columns = [
    { title: width < roomyWidth ? 'NAMESPACE' : 'NETWORK NAMESPACE', least: 9, shorten: cutMiddle },
    { title: 'PROCESS', least: 8 },
    ...['IDLE', 'INTERVAL', 'COUNT'],
    width < roomyWidth ? 'NOTICED' : 'NOTICED AFTER',
  ];
  return ['', renderTable(columns, namespaces.map(namespaceRow), width)];
}

/** Returns the kernel's defaults, their sources and their meaning, in lines no longer than `width`. */
export function renderDefaults(report: KernelDefaultsReport, width: number): string {
  const rows = keepAliveSysctls.map((sysctl) => [
    shownKey(sysctl, width),
    shownValue(sysctl, report),
    origin(sysctl, report, width),
  ]);
  return [
    renderTable(['SYSCTL', 'VALUE', { title: 'SET BY', least: 16, shorten: cutMiddle }], rows, width),
    ...['', wrapText(renderMeaning(report), width)],
    ...renderSources('Assignments, each key in the order in which systemd-sysctl reads them:', report.sources, width),
    ...renderSources('Not read when the machine starts (no link in /etc/sysctl.d):', report.notRead, width),
    ...renderNamespaces(report.namespaces, width),
  ].join('\n');
}

const notDone =
  'This turns keepalive on for no program. Connections with values of their own keep them, a timer that is running ' +
  'goes on until it is set anew, and other network namespaces (containers) keep their values.';

function renderFile(file: DefaultsChange['file'], applied: boolean): string[] {
  if (file === null) return [];
  const done = applied || file.action === 'unchanged' ? file.action : `would be ${file.action}`;
  return ['', `${printable(file.path)}: ${done}`];
}

/** Returns the values before and after a change, or a dry run, in lines no longer than `width`. */
export function renderChange({ before, after, applied, file, incomplete }: DefaultsChange, width: number): string {
  const proseWidth = Math.min(width, 80);
  const rows = keepAliveSysctls.map((sysctl) => [sysctl.key, shownValue(sysctl, before), shownValue(sysctl, after)]);
  const missing = applied
    ? []
    : incomplete.map(({ what, why }) => wrapText(`missing: ${what}: ${why}`, proseWidth, '  '));
  return [
    renderTable(['SYSCTL', 'BEFORE', applied ? 'AFTER' : 'WOULD BE'], rows, width),
    ...renderFile(file, applied),
    ...['', wrapText(renderMeaning(after), width), '', wrapText(notDone, proseWidth)],
    ...(missing.length === 0 ? [] : ['', ...missing]),
  ].join('\n');
}

/** Returns what a change leaves to worry about: a file that decides otherwise, a value that stays, no undo. */
export function changeWarnings({ overriddenBy, warnings, applied, incomplete }: DefaultsChange): string[] {
  const overrides = overriddenBy.map((source) => {
    const says = source.value === null ? 'excludes it' : `sets ${source.value}`;
    return `when the machine starts, ${place(source)} decides about ${source.key} and ${says}`;
  });
  const noUndo = applied ? incomplete.map(({ what, why }) => `no undo: ${what}: ${why}`) : [];
  return [...overrides, ...warnings, ...noUndo];
}
