import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import * as inetDiag from '../../src/wire/inet-diag/messages.js';
import * as netlink from '../../src/wire/netlink.js';
import { tcpInfoOffsets } from '../../src/wire/tcp-info/layout.js';
import { tcpStates } from '../../src/wire/tcp-info/state.js';
import { cannotRun } from '../requirement.js';

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const withoutCompiler = cannotRun(!hasCompiler, 'comparing with the headers needs cc');

/** What the machine's own headers say of expressions in C, each a number. */
function evaluate(headers: string[], expressions: string[]): number[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'headers-'));
  try {
    const includes = ['stddef.h', 'stdio.h', ...headers].map((header) => `#include <${header}>\n`).join('');
    const prints = expressions.map((expression) => `printf("%zu ", (size_t)(${expression}));`).join('\n');
    const source = path.join(directory, 'numbers.c');
    const program = path.join(directory, 'numbers');
    writeFileSync(source, `${includes}int main(void) { ${prints} }\n`);
    execFileSync('cc', [source, '-o', program]);
    return execFileSync(program, { encoding: 'utf8' }).trim().split(' ').map(Number);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function offsetsInHeaders(header: string, struct: string, fields: string[]): Record<string, number | undefined> {
  const offsets = evaluate(
    [header],
    fields.map((field) => `offsetof(struct ${struct}, ${field})`),
  );
  return Object.fromEntries(fields.map((field, index) => [field, offsets[index]]));
}

it.skipIf(withoutCompiler)("struct tcp_info lies as the machine's own headers say", () => {
  // Headers older than the running kernel end earlier, and newer ones later.
  const [length = 0] = evaluate(['linux/tcp.h'], ['sizeof(struct tcp_info)']);
  const known = Object.entries(tcpInfoOffsets).filter(([, offset]) => offset < length);
  expect(known.length).toBeGreaterThanOrEqual(50);
  const fields = known.map(([field]) => field);
  expect(offsetsInHeaders('linux/tcp.h', 'tcp_info', fields)).toEqual(Object.fromEntries(known));
});

it.skipIf(withoutCompiler).each([
  ['inet_diag_sockid', inetDiag.inetDiagSockidOffsets],
  ['inet_diag_msg', inetDiag.inetDiagMsgOffsets],
])("struct %s lies as the machine's own headers say", (struct, offsets) => {
  expect(offsetsInHeaders('linux/inet_diag.h', struct, Object.keys(offsets))).toEqual(offsets);
});

it.skipIf(withoutCompiler)("constants are those of the machine's own headers", () => {
  const constants: Record<string, number> = { IPPROTO_TCP: 6, INET_DIAG_BC_S_EQ: 11, INET_DIAG_BC_CGROUP_COND: 13 };
  for (const [name, value] of [...Object.entries(netlink), ...Object.entries(inetDiag)]) {
    if (/^[A-Z0-9_]+$/.test(name)) constants[name] = value as number;
  }
  const headers = ['netinet/in.h', 'sys/socket.h', 'linux/netlink.h', 'linux/sock_diag.h', 'linux/inet_diag.h'];
  const values = evaluate(headers, Object.keys(constants));
  expect(Object.fromEntries(Object.keys(constants).map((name, index) => [name, values[index]]))).toEqual(constants);
  expect(Object.keys(constants).length).toBeGreaterThan(20);
});

it.skipIf(withoutCompiler)("lengths are those of the machine's own headers", () => {
  const structs = ['nlmsghdr', 'nlattr', 'inet_diag_msg', 'inet_diag_req', 'inet_diag_req_v2', 'inet_diag_hostcond'];
  const lengths = evaluate(
    ['linux/netlink.h', 'linux/inet_diag.h'],
    structs.map((struct) => `sizeof(struct ${struct})`),
  );
  expect(lengths).toEqual([
    netlink.netlinkHeaderLength,
    netlink.attributeHeaderLength,
    inetDiag.inetDiagMessageLength,
    inetDiag.encodeCompatRequest({ extensions: 0, states: 0 }).length,
    inetDiag.encodeInetDiagRequest({ family: 2, extensions: 0, states: 0 }).length,
    8,
  ]);
});

it.skipIf(withoutCompiler)('states have the numbers of the C library', () => {
  const inLibrary = tcpStates.slice(1, 12).filter((state) => state !== 'CLOSE' && state !== 'NEW_SYN_RECV');
  const values = evaluate(
    ['netinet/tcp.h'],
    inLibrary.map((state) => `TCP_${state}`),
  );
  expect(values).toEqual(inLibrary.map((state) => tcpStates.indexOf(state)));
});
