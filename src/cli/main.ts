#!/usr/bin/env node
import module from 'node:module';
import { compileCacheDirectory } from './compile-cache-directory.js';
import { explanationOf } from './errors.js';
import { exitCodes } from './exit-codes.js';
import { printMessage } from './shared/output.js';

/** Turns on the compile cache, which Node.js has since 22.8. */
function enableCompileCache(): void {
  const { enableCompileCache: enable } = module as { enableCompileCache?: (directory: string) => unknown };
  const directory = enable && compileCacheDirectory();
  if (directory !== undefined) enable?.(directory);
}

try {
  enableCompileCache();
  // Loaded here, where the cache is on, and where a lack of descriptors is reported in one line.
  const { runVerb } = await import('./run-verb.js');
  await runVerb();
} catch (error) {
  const explanation = explanationOf(error);
  if (explanation === undefined) throw error;
  printMessage(explanation);
  // Sockets and timers that are left, perhaps in another network namespace, must not keep this process alive.
  process.exit(exitCodes.nothing);
}
