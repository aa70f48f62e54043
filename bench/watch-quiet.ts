import { runInOwnNetwork } from './own-network.js';
import { atMost, type Report, renderTargets } from './report.js';
import type { QuietMeasured } from './watch-quiet-run.js';

/** Watches healthy idle connections for ten minutes: there must be nothing to tell. */
export async function benchmarkWatchQuiet(): Promise<Report> {
  const measured = await runInOwnNetwork<QuietMeasured>('watch-quiet-run.ts');
  const { connections, load, policy, told } = measured;
  const seconds = (load.forMs / 1000).toFixed(0);
  const events = Object.values(told.events).reduce((sum, count) => sum + count, 0);
  const targets = [atMost(`events of ${connections} idle connections in ${seconds} s`, events, 0)];
  const probes = `${policy}: ${load.packets} packets, ${(load.packets / 2 / connections).toFixed(0)} probes a connection`;
  const lost = `${told.lost} packets were lost on the way, which the kernel had no room for`;
  return { data: { ...measured, targets }, text: `${probes}\n${lost}\n\n${renderTargets(targets)}` };
}
