import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tcpInfoOffsets } from '../../src/wire/tcp-info.js';
import { cannotRun } from '../requirement.js';

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
it.skipIf(cannotRun(!hasCompiler, 'comparing with the headers needs cc'))(
  "struct tcp_info lies as the machine's own headers say",
  () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'tcp-info-'));
    try {
      const fields = Object.keys(tcpInfoOffsets);
      const prints = fields.map((field) => `printf("%zu ", offsetof(struct tcp_info, ${field}));`).join('\n');
      const source = path.join(directory, 'offsets.c');
      const program = path.join(directory, 'offsets');
      writeFileSync(
        source,
        `#include <stddef.h>\n#include <stdio.h>\n#include <linux/tcp.h>\nint main(void) { ${prints} }\n`,
      );
      execFileSync('cc', [source, '-o', program]);
      const offsets = execFileSync(program, { encoding: 'utf8' }).trim().split(' ').map(Number);
      expect(Object.fromEntries(fields.map((field, index) => [field, offsets[index]]))).toEqual(tcpInfoOffsets);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
