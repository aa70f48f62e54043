/**
 * Makes the tables of docs/model.md. `node --import tsx scripts/model-page.mjs` makes them from the model and from what was measured
 * last; with `--measure`, it measures anew, which takes 35 s and root.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { playAll } from '../test/model/play-all.ts';
import { withTables } from '../test/model/tables.ts';
import { ownNetwork, runProgram } from '../test/program.ts';

const measured = new URL('../test/model/measured.json', import.meta.url);
const page = new URL('../docs/model.md', import.meta.url);

async function measure() {
  const network = ownNetwork();
  if (network === undefined) throw new Error('measuring takes a network namespace (unshare --net)');
  const played = Object.entries(await playAll(network)).map(([index, { verdict, error, notAfterMs }]) => {
    return [index, { verdict, error, atMs: Math.round(notAfterMs) }];
  });
  const loss = await runProgram(new URL('../test/model/lossy-connections.ts', import.meta.url), [], network);
  writeFileSync(measured, `${JSON.stringify({ pairs: Object.fromEntries(played), loss }, null, 2)}\n`);
}

if (process.argv[2] === '--measure') await measure();
writeFileSync(page, withTables(readFileSync(page, 'utf8'), JSON.parse(readFileSync(measured, 'utf8'))));
