import type net from 'node:net';
import { crashPeer, lossyPath } from '../../src/testing/index.js';
import { setReception } from '../../src/testing/reception.js';
import type { TcpInfo } from '../../src/wire/tcp-info/decode.js';
import { infoOf, lastSignOfLife, type Moment, moment, thisMoment } from '../kernel/observation.js';
import { rebootPeer } from '../peers.js';
import type { FaultName } from './matrix.js';
import { answeredWindowProbes } from './reckoning.js';
import type { Route } from './routed-network.js';

/** A connection as seen from the end that is guarded. */
export interface Connection {
  readonly survivor: net.Socket;
  readonly peer: net.Socket;
  /** Where the two are in networks of their own. */
  readonly route?: Route;
}

/** A fault that has happened. */
export interface Played {
  /** From when on time is counted. */
  readonly since: Moment;
  /** The retransmission timeout of the end whose timers decide. */
  readonly rtoMs: number;
  /** Undoes what can be undone, at the end of the observation. */
  readonly end?: () => void;
}

type Play = (connection: Connection) => Promise<Played>;

async function quiet({ survivor, peer }: Connection): Promise<Played> {
  const since = await lastSignOfLife(peer, survivor);
  return { since, rtoMs: infoOf(survivor).rtoMs };
}

/** What is written goes out within the call. */
function write(socket: net.Socket): Played {
  const { notBefore } = thisMoment();
  const { rtoMs } = infoOf(socket);
  socket.write('is anybody there?');
  return { since: { notBefore, notAfter: thisMoment().notAfter }, rtoMs };
}

function isWindowClosed(socket: net.Socket): boolean {
  const { unacked, notSentBytes, sendWindow } = infoOf(socket);
  return unacked === 0 && notSentBytes !== 0 && sendWindow === 0;
}

/** More than the buffers of both kernels hold while nobody reads. */
const tooMuch = Buffer.alloc(8 << 20);

/** One connection at a time is filled: the loopback device drops what many send at once, and drops show as silence. */
let filled: Promise<unknown> = Promise.resolve();

/** The peer reads no more, and its window closes. */
function stopReading(connection: Connection): Promise<Played> {
  const played = filled.then(() => fillWindow(connection));
  filled = played.catch(() => {});
  return played;
}

async function fillWindow({ survivor, peer }: Connection): Promise<Played> {
  peer.pause();
  survivor.write(tooMuch);
  const since = await moment(() => isWindowClosed(survivor), 'the window closes');
  return { since, rtoMs: infoOf(survivor).rtoMs };
}

const crashWhileIdle: Play = async (connection) => {
  const played = await quiet(connection);
  crashPeer(connection.peer);
  return played;
};

const crashInFlight: Play = async (connection) => {
  await crashWhileIdle(connection);
  return write(connection.survivor);
};

const crashOfNonReader: Play = async (connection) => {
  const played = await stopReading(connection);
  const { survivor, peer } = connection;
  // Each window probe doubles the time to the next, answered or not, and on a busy machine the last may be on its way.
  const areAnswered = ({ backoff, probes }: TcpInfo) => backoff >= answeredWindowProbes && probes === 0;
  await moment(() => areAnswered(infoOf(survivor)), 'some window probes are answered');
  crashPeer(peer);
  return played;
};

const reboot: Play = async (connection) => {
  const played = await quiet(connection);
  await rebootPeer(connection.peer, connection.survivor);
  return played;
};

/**
 * The peer is deaf, and goes on talking: its kernel sends the same segment again and again. More that its program wrote
 * would wait for the acknowledgement of that.
 */
const cutOneWay: Play = async (connection) => {
  const { peer } = connection;
  await quiet(connection);
  await moment(() => infoOf(peer).unacked === 0, 'everything sent is acknowledged');
  setReception(peer, 'drop');
  return write(peer);
};

const cutOneWayInFlight: Play = async (connection) => {
  await cutOneWay(connection);
  return write(connection.survivor);
};

function routeOf({ route }: Connection): Route {
  if (route === undefined) throw new Error('the connection crosses no router');
  return route;
}

const unreachableIdle: Play = async (connection) => {
  const played = await quiet(connection);
  await routeOf(connection).cut();
  return played;
};

const unreachableInFlight: Play = async (connection) => {
  await unreachableIdle(connection);
  return write(connection.survivor);
};

/** The router keeps what is quiet for a second only. */
const entryDropped: Play = (connection) => quiet(connection);

const silenceThatEnds: Play = async (connection) => {
  const played = await quiet(connection);
  const crashed = crashPeer(connection.peer);
  await moment(() => infoOf(connection.survivor).probes >= 2, 'all probes but the last are unanswered');
  crashed.revive();
  return played;
};

const slowReader: Play = async (connection) => {
  const played = await stopReading(connection);
  return { ...played, end: () => connection.peer.resume() };
};

const loss: Play = async (connection) => {
  const played = await quiet(connection);
  const path = lossyPath(connection.peer, { loss: 0.3 });
  return { ...played, end: () => path.close() };
};

export const plays: Readonly<Record<FaultName, Play>> = {
  'crash while idle': crashWhileIdle,
  'crash, data in flight': crashInFlight,
  'crash of a non-reader': crashOfNonReader,
  reboot,
  'cable cut one way': cutOneWay,
  'cut one way, in flight': cutOneWayInFlight,
  'unreachable, idle': unreachableIdle,
  'unreachable, in flight': unreachableInFlight,
  'NAT entry dropped': entryDropped,
  'silence that ends': silenceThatEnds,
  'slow reader': slowReader,
  '30 % loss': loss,
};
