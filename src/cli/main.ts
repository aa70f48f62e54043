#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { SelectionError } from '../host/selection-error.js';
import { RecordError } from '../host/undo.js';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { PolicyError } from '../policy/index.js';
import { checkCommand } from './commands/check.js';
import { defaultsCommand } from './commands/defaults.js';
import { demoCommand } from './commands/demo.js';
import { lsCommand } from './commands/ls.js';
import { setCommand } from './commands/set.js';

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}

const program = new Command('tcp-keepalive')
  .description('TCP keepalive that holds, and proof of who is still there')
  .version(packageVersion())
  .addCommand(lsCommand())
  .addCommand(setCommand())
  .addCommand(checkCommand())
  .addCommand(demoCommand())
  .addCommand(defaultsCommand())
  .addHelpText(
    'after',
    `
Examples:
  $ tcp-keepalive demo
  $ tcp-keepalive ls --verdict unprotected`,
  );

try {
  await program.parseAsync();
} catch (error) {
  const expected = [PolicyError, RecordError, SelectionError, SystemCallError, UnsupportedError];
  if (!expected.some((type) => error instanceof type)) throw error;
  process.stderr.write(`tcp-keepalive: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
