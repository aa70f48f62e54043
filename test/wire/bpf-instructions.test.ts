import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readProgram, setProgram } from '../../src/host/options/iterator-programs.js';
import { type OpenFileMembers, openFileProgram } from '../../src/host/owners/open-files.js';
import { disassembleBpf } from '../../src/wire/bpf/disassembly.js';
import {
  arithmetic,
  assembleBpf,
  call,
  exit,
  jump,
  jumpIf,
  label,
  load,
  loadMap,
  mov,
  store,
} from '../../src/wire/bpf/instructions.js';
import { hasRtoMax } from '../kernel/descriptor.js';
import { cannotRun } from '../requirement.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').match(/.{16}/g);

/** One of each kind, as the C macros of the kernel's own samples would be written, with its bytes and its text. */
const kinds = [
  [mov('r6', 'r1'), 'bf16000000000000', 'r6 = r1', 'BPF_ALU64 | BPF_MOV | BPF_X'],
  [mov('r0', -1), 'b7000000ffffffff', 'r0 = -1', 'BPF_ALU64 | BPF_MOV | BPF_K'],
  [arithmetic('add', 'r4', -24), '07040000e8ffffff', 'r4 += -24', 'BPF_ALU64 | BPF_ADD | BPF_K'],
  [arithmetic('rsh', 'r2', 'r3'), '7f32000000000000', 'r2 >>= r3', 'BPF_ALU64 | BPF_RSH | BPF_X'],
  [arithmetic('and', 'r1', 7), '5701000007000000', 'r1 &= 7', 'BPF_ALU64 | BPF_AND | BPF_K'],
  [load('u64', 'r7', 'r1', 8), '7917080000000000', 'r7 = *(u64 *)(r1 + 8)', 'BPF_LDX | BPF_MEM | BPF_DW'],
  [load('u32', 'r1', 'r8', -4), '6181fcff00000000', 'r1 = *(u32 *)(r8 - 4)', 'BPF_LDX | BPF_MEM | BPF_W'],
  [load('u16', 'r1', 'r8', 2), '6981020000000000', 'r1 = *(u16 *)(r8 + 2)', 'BPF_LDX | BPF_MEM | BPF_H'],
  [load('u8', 'r1', 'r8', 2), '7181020000000000', 'r1 = *(u8 *)(r8 + 2)', 'BPF_LDX | BPF_MEM | BPF_B'],
  [store('u64', 'r10', -32, 'r0'), '7b0ae0ff00000000', '*(u64 *)(r10 - 32) = r0', 'BPF_STX | BPF_MEM | BPF_DW'],
  [store('u32', 'r10', -4, 300), '620afcff2c010000', '*(u32 *)(r10 - 4) = 300', 'BPF_ST | BPF_MEM | BPF_W'],
  [call(57), '8500000039000000', 'call 57', 'BPF_JMP | BPF_CALL'],
  [exit(), '9500000000000000', 'exit', 'BPF_JMP | BPF_EXIT'],
] as const;

describe('assembleBpf', () => {
  it.each(kinds)('lays %o out as %s', (instruction, bytes, text) => {
    expect(hex(assembleBpf([instruction]))).toEqual([bytes]);
    expect(disassembleBpf(assembleBpf([instruction]))).toBe(`0: ${text}`);
  });

  it('gives a map two instructions, and counts them in jumps', () => {
    const program = [
      jumpIf('r1', '==', 0, 'end'),
      loadMap('r1', 5),
      label('again'),
      jumpIf('r1', 's<', 'r2', 'again', 32),
      jump('again'),
      label('end'),
      exit(),
    ];
    expect(hex(assembleBpf(program))).toEqual([
      '1501040000000000', // if r1 == 0 goto +4
      '1811000005000000', // r1 = map of descriptor 5
      '0000000000000000',
      'ce21ffff00000000', // if w1 s< w2 goto -1
      '0500feff00000000', // goto -2
      '9500000000000000',
    ]);
    expect(disassembleBpf(assembleBpf(program)).split('\n')).toEqual([
      '0: if r1 == 0 goto 5',
      '1: r1 = map of descriptor 5',
      '3: if (u32)r1 s< r2 goto 3',
      '4: goto 3',
      '5: exit',
    ]);
  });

  it('refuses a jump to a label that is missing, stands twice or is too far', () => {
    expect(() => assembleBpf([jump('nowhere')])).toThrow("no label 'nowhere'");
    expect(() => assembleBpf([label('twice'), label('twice')])).toThrow("label 'twice' stands twice");
    const long = Array.from({ length: 40_000 }, () => exit());
    expect(() => assembleBpf([jump('far'), ...long, label('far')])).toThrow("label 'far' is too far");
  });
});

describe('disassembleBpf', () => {
  it('names what it does not know, and leaves out half an instruction', () => {
    expect(disassembleBpf(new Uint8Array([0xff, 0, 0, 0, 0, 0, 0, 0, 0x95, 0]))).toBe('0: unknown 0xff');
  });

  it('prints any bytes', () => {
    for (let code = 0; code < 256; code += 1) {
      expect(disassembleBpf(new Uint8Array([code, 0x21, 1, 0, 2, 0, 0, 0]))).toMatch(/^0: \S/);
    }
  });
});

/** Where a kernel might have what the program for open files reads: each member at a place of its own. */
const places: OpenFileMembers = {
  sk: { offset: 24, size: 'u64' },
  cookie: { offset: 88, size: 'u64' },
  pid: { offset: 2392, size: 'u32' },
  file: { offset: 40, size: 'u64' },
  inode: { offset: 64, size: 'u64' },
  net: { offset: 48, size: 'u64' },
  flags: { offset: 96, size: 'u64' },
  idle: { offset: 2000, size: 'u32' },
  interval: { offset: 2004, size: 'u32' },
  count: { offset: 2008, size: 'u8' },
  userTimeout: { offset: 1500, size: 'u32' },
  netns: { offset: 144, size: 'u32' },
  defaultIdle: { offset: 900, size: 'u32' },
  defaultInterval: { offset: 904, size: 'u32' },
  defaultCount: { offset: 908, size: 'u8' },
};

/** What the machine's own headers say of some C expressions. */
function inC(expressions: readonly string[]): number[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'bpf-'));
  try {
    const source = path.join(directory, 'values.c');
    const prints = expressions.map((expression) => `printf("%d ", (int)(${expression}));`).join('\n');
    writeFileSync(source, `#include <stdio.h>\n#include <linux/bpf.h>\nint main(void) { ${prints} }\n`);
    execFileSync('cc', [source, '-o', path.join(directory, 'values')]);
    return execFileSync(path.join(directory, 'values'), { encoding: 'utf8' }).trim().split(' ').map(Number);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
describe.skipIf(cannotRun(!hasCompiler, 'comparing with the headers needs cc'))("the machine's own headers", () => {
  it('have these instruction codes', () => {
    expect(inC(kinds.map(([, , , macros]) => macros))).toEqual(kinds.map(([{ code }]) => code));
  });

  it('have the helpers that the programs call', () => {
    const called = new Set(
      [...readProgram(), ...setProgram(3), ...openFileProgram(places)].flatMap((item) =>
        'code' in item && item.code === 0x85 ? [item.immediate] : [],
      ),
    );
    const names = [
      'map_lookup_elem',
      'get_socket_cookie',
      'setsockopt',
      'getsockopt',
      'seq_write',
      'skc_to_tcp_sock',
      'sock_from_file',
    ];
    expect([...called].sort((a, b) => a - b)).toEqual(
      inC(names.map((name) => `BPF_FUNC_${name}`)).sort((a, b) => a - b),
    );
  });
});

describe('the programs of the TCP iterator', () => {
  it('are the same bytes as ever; without TCP_RTO_MAX_MS where the kernel has no such option', () => {
    const texts = [readProgram(), setProgram(3)].map((program) => disassembleBpf(assembleBpf(program)));
    if (hasRtoMax) for (const text of texts) expect(text).toMatchSnapshot();
    else for (const text of texts) expect(text).not.toContain('r3 = 44');
  });
});

describe('the program for open files', () => {
  it('is the same bytes as ever where the kernel has the members at the same places', () => {
    expect(disassembleBpf(assembleBpf(openFileProgram(places)))).toMatchSnapshot();
  });

  it('reads each member at its place, with its size', () => {
    const text = disassembleBpf(assembleBpf(openFileProgram(places)));
    for (const { offset, size } of Object.values(places)) {
      const reads = new RegExp(`= \\*\\(${size} \\*\\)\\(r[01789] \\+ ${offset}\\)`);
      expect(text).toMatch(reads);
    }
  });
});
