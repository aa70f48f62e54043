/**
 * Runs in a network namespace of its own: changes the keepalive sysctls while connections are open, and prints what
 * that did to them.
 */
import { writeFileSync } from 'node:fs';
import {
  getKeepAlive,
  type KeepAliveState,
  type KernelDefaults,
  kernelDefaults,
  setKeepAlive,
} from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { endOf, infoOf, lastSignOfLife, type Moment, moment, sentSegments, thisMoment } from '../kernel/observation.js';
import { type KernelRow, kernelRow } from '../kernel/proc.js';

/** One look at a connection. */
interface Look {
  readonly state: KeepAliveState;
  readonly row: KernelRow;
}

export interface ChangedDefaultsResult {
  readonly defaultsBefore: KernelDefaults;
  readonly defaultsAfter: KernelDefaults;
  /** A connection with keepalive on and no values of its own, before the change and at once after it. */
  readonly before: Look;
  readonly after: Look;
  /** The same when the new idle time has passed more than twice: what it has sent by then, and its timer. */
  readonly probesWhileArmed: number;
  readonly whileArmed: Look;
  /** A connection with values of its own, at once after the change. */
  readonly own: KeepAliveState;
  /** A connection made after the change. */
  readonly later: KeepAliveState;
  /** The first connection again, when keepalive was switched off and on. */
  readonly rearmed: Look;
  readonly switchedOn: Moment;
  readonly firstProbe: Moment;
  /** Its end, when the peer crashed thereafter. */
  readonly heard: Moment;
  readonly died: Moment;
  readonly code: string | undefined;
}

const idleSeconds = 1;

function writeSysctl(name: string, value: number): void {
  writeFileSync(`/proc/sys/net/ipv4/${name}`, String(value));
}

function look({ server }: LoopbackPair): Look {
  return { state: getKeepAlive(server), row: kernelRow(server) };
}

async function pairWith(policy: string | object): Promise<LoopbackPair> {
  const pair = await loopbackPair();
  pair.client.resume();
  setKeepAlive(pair.server, policy);
  return pair;
}

const defaultsBefore = kernelDefaults();
const connection = await pairWith({});
const withOwnValues = await pairWith('40:6:4');
const end = endOf(connection.server);
await lastSignOfLife(connection.client, connection.server);
const sent = sentSegments(connection.server);
const before = look(connection);

writeSysctl('tcp_keepalive_time', idleSeconds);
writeSysctl('tcp_keepalive_intvl', 1);
writeSysctl('tcp_keepalive_probes', 2);
const defaultsAfter = kernelDefaults();
const after = look(connection);
const own = getKeepAlive(withOwnValues.server);
const laterPair = await pairWith({});
const later = getKeepAlive(laterPair.server);

const changed = performance.now();
await moment(() => performance.now() > changed + 2500 * idleSeconds, 'more than twice the new idle time');
const probesWhileArmed = sentSegments(connection.server) - sent;
const whileArmed = look(connection);

setKeepAlive(connection.server, false);
const { notBefore } = thisMoment();
setKeepAlive(connection.server, {});
const switchedOn = { notBefore, notAfter: thisMoment().notAfter };
const rearmed = look(connection);
const firstProbe = await moment(() => sentSegments(connection.server) > sent, 'the first probe');

const heard = await lastSignOfLife(connection.client, connection.server);
await moment(() => infoOf(connection.server).probes === 0, 'the probe is answered');
crashPeer(connection.client);
const { at: died, code } = await end;

for (const pair of [connection, withOwnValues, laterPair]) pair.close();
const result: ChangedDefaultsResult = {
  ...{ defaultsBefore, defaultsAfter, before, after, probesWhileArmed, whileArmed, own, later },
  ...{ rearmed, switchedOn, firstProbe, heard, died, code },
};
console.log(JSON.stringify(result));
