// Runs each `tcp-keepalive plan` of docs/choose-a-policy.md that has an output below it, and writes the output anew: after a build,
// `node scripts/plan-outputs.mjs`. test/docs/choose-a-policy.test.ts compares.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../docs/choose-a-policy.md', import.meta.url));
const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

const commandWithOutput = /(?<=```sh\ntcp-keepalive (?<args>plan .*)\n```\n\n```text\n)(?:(?!```)(?:.|\n))*(?=```\n)/g;

const text = readFileSync(page, 'utf8').replaceAll(commandWithOutput, (...match) => {
  const { args } = match.at(-1);
  return spawnSync(process.execPath, [program, ...args.split(' ')], { encoding: 'utf8' }).stdout;
});
writeFileSync(page, text);
