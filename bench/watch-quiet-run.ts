/** Watches healthy idle connections for ten minutes, in a network namespace of its own. Prints JSON. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Load, Request, Told } from './idle-clients.js';
import { withIdleConnections } from './idle-connections.js';

export interface QuietMeasured {
  readonly connections: number;
  readonly policy: string;
  readonly load: Load;
  readonly told: Told;
}

const connections = 10_000;
const policy = '1:1:3';

const measured = await withIdleConnections('tcp', connections, async (clients): Promise<QuietMeasured> => {
  const ask = <Answer>(request: Request) => clients.ask<Answer>(request);
  // One that has been quiet for its idle time is probed when it is set, so that the probes are spread as that is.
  await pause(1100);
  await ask({ what: 'keepalive', policy, overMs: 1000 });
  await ask({ what: 'watch' });
  const load = await ask<Load>({ what: 'load', forMs: 600_000 });
  return { connections, policy, load, told: await ask<Told>({ what: 'events' }) };
});
console.log(JSON.stringify(measured));
