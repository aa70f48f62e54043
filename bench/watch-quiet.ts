import { runInOwnNetwork } from './own-network.js';
import { atMost, type Report, renderTargets } from './report.js';
import type { QuietMeasured } from './watch-quiet-run.js';

/** Watches healthy idle connections for ten minutes: there must be nothing to tell. */
export async function benchmarkWatchQuiet(): Promise<Report> {
  const measured = await runInOwnNetwork<QuietMeasured>('watch-quiet-run.ts');
  const { connections, load, policy, events } = measured;
  const seconds = (load.forMs / 1000).toFixed(0);
  const targets = [atMost(`events of ${connections} idle connections in ${seconds} s`, events.length, 0)];
  const probes = `${policy}: ${load.packets} packets, ${(load.packets / 2 / connections).toFixed(0)} probes a connection`;
  return { data: { ...measured, targets }, text: `${probes}\n\n${renderTargets(targets)}` };
}
