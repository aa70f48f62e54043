#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { PolicyError } from '../policy/index.js';
import { demoCommand } from './commands/demo.js';

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}

const program = new Command('tcp-keepalive')
  .description('TCP keepalive that holds, and proof of who is still there')
  .version(packageVersion())
  .addCommand(demoCommand())
  .addHelpText(
    'after',
    `
Example:
  $ tcp-keepalive demo`,
  );

try {
  await program.parseAsync();
} catch (error) {
  const isExpected = [PolicyError, SystemCallError, UnsupportedError].some((type) => error instanceof type);
  if (!isExpected) throw error;
  process.stderr.write(`tcp-keepalive: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
