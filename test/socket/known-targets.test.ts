import dgram from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import vm from 'node:vm';
import { credentials, Client as GrpcClient, Server as GrpcServer } from '@grpc/grpc-js';
import { connect as connectNats } from '@nats-io/transport-node';
import { Cluster, Redis } from 'ioredis';
import { createPool as createMariadbPool } from 'mariadb';
import { MongoClient } from 'mongodb';
import { connect as connectMqtt } from 'mqtt';
import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import postgres from 'postgres';
import { createClient } from 'redis';
import { Connection as TediousConnection } from 'tedious';
import { Agent, Pool, Client as UndiciClient, WebSocket as UndiciWebSocket } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { getKeepAlive, type KeepAliveTarget, probePeer, setKeepAlive, watchPeers } from '../../src/index.js';
import { closing, listening, portOf } from '../endpoints.js';
import { kernelStateOf } from '../kernel/descriptor.js';

const host = '127.0.0.1';

function messageFor(target: unknown): string {
  try {
    setKeepAlive(target as KeepAliveTarget, '30:5:3');
    return 'no error';
  } catch (error) {
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    return (error as Error).message;
  }
}

/** A server that accepts connections and says nothing, unless it has something to answer with. */
async function serverThat(answer: (socket: net.Socket) => void = () => {}): Promise<number> {
  const server = net.createServer((socket) => answer(socket.on('error', () => {})));
  return portOf(await listening(closing(server)));
}

/** The object that an expression such as `client.connection.stream` means, whose first word is `target`. */
function placeIn(target: object, place: string): unknown {
  const [, ...path] = place.split('.');
  return path.reduce<unknown>((object, name) => (object as Record<string, unknown> | undefined)?.[name], target);
}

interface Made {
  readonly target: object;
  readonly end?: () => unknown;
}

const natsServer = (socket: net.Socket) => {
  socket.write('INFO {"server_id":"x","version":"2.10.0","proto":1,"max_payload":1048576}\r\n');
  socket.on('data', (data) => String(data).includes('PING') && socket.write('PONG\r\n'));
};

const quiet = <Emitter extends { on(event: 'error', listener: () => void): unknown }>(emitter: Emitter): Emitter => {
  emitter.on('error', () => {});
  return emitter;
};

const load = createRequire(import.meta.url);
const amqplib = (file: string) => load(path.join(path.dirname(load.resolve('amqplib')), 'lib', file));
const { Connection: AmqpConnection } = amqplib('connection.js') as { Connection: new (stream: net.Socket) => object };
const { ChannelModel } = amqplib('channel_model.js') as { ChannelModel: new (connection: object) => object };

interface PgClient extends EventEmitter {
  readonly connection: { readonly stream: net.Socket };
  connect(): Promise<void>;
}
const pg = load('pg') as {
  readonly Client: new (options: object) => PgClient;
  readonly Pool: new (options: object) => object;
};

const withSocket: [string, string, (port: number) => Made | Promise<Made>, typeof natsServer?][] = [
  [
    'a Client of pg',
    'client.connection.stream',
    (port) => {
      const client = quiet(new pg.Client({ host, port, user: 'x' }));
      client.connect().catch(() => {});
      return { target: client, end: () => client.connection.stream.destroy() };
    },
  ],
  [
    'a connection of mysql2',
    'connection.stream',
    (port) => {
      const target = quiet(mysql.createConnection({ host, port }));
      return { target, end: () => target.destroy() };
    },
  ],
  [
    'a connection of mysql2/promise',
    'connection.connection.stream',
    (port) => {
      const below = quiet(mysql.createConnection({ host, port }));
      return { target: below.promise(), end: () => below.destroy() };
    },
  ],
  [
    'a client of ioredis',
    'redis.stream',
    (port) => {
      const target = quiet(new Redis({ host, port }));
      return { target, end: () => target.disconnect() };
    },
  ],
  [
    'a WebSocket of ws',
    'ws._socket',
    async () => {
      const server = new WebSocketServer({ host, port: 0 });
      await once(server, 'listening');
      const target = quiet(new WebSocket(`ws://${host}:${(server.address() as net.AddressInfo).port}`));
      await once(target, 'open');
      return {
        target,
        end: () => {
          target.terminate();
          server.close();
        },
      };
    },
  ],
  [
    'a connection of amqplib',
    'connection.connection.stream',
    (port) => ({ target: new ChannelModel(new AmqpConnection(closing(net.connect(port, host)))) }),
  ],
  [
    'a client of mqtt',
    'client.stream',
    (port) => {
      const target = quiet(connectMqtt({ host, port, reconnectPeriod: 0 }));
      return { target, end: () => target.end(true) };
    },
  ],
  [
    'a connection of NATS',
    'connection.protocol.transport.socket',
    async (port) => {
      const target = await connectNats({ servers: `${host}:${port}` });
      return { target, end: () => target.close() };
    },
    natsServer,
  ],
];

describe('what has one socket', () => {
  it.each(withSocket)('%s: the error says %s, which takes the policy', async (what, place, make, answer) => {
    const { target, end = () => {} } = await make(await serverThat(answer));
    onTestFinished(async () => void (await end()));
    const message = messageFor(target);
    expect(message).toContain(`got ${what}; its socket is ${place}`);
    await expect.poll(() => placeIn(target, place)).toBeInstanceOf(net.Socket);
    const socket = placeIn(target, place) as net.Socket;
    if (socket.pending) await once(socket, 'connect');
    setKeepAlive(socket, '30:5:3');
    expect(kernelStateOf(socket)).toMatchObject({ enabled: true, idle: 30_000, interval: 5000, count: 3 });
  });

  it('is taken as it is where it offers its socket: a connection of tedious', async () => {
    const port = await serverThat();
    const target = new TediousConnection({ server: host, options: { port } });
    onTestFinished(() => target.close());
    target.on('connect', () => {}).connect();
    await expect.poll(() => (target as unknown as { socket?: net.Socket }).socket).toBeInstanceOf(net.Socket);
    setKeepAlive(target as unknown as KeepAliveTarget, '30:5:3');
    expect(getKeepAlive(target as unknown as KeepAliveTarget)).toMatchObject({ enabled: true, idle: 30_000 });
  });
});

describe('what has many sockets', () => {
  const url = `http://${host}:1`;
  const pgPool = new pg.Pool({ host, port: 1 });
  const mysqlPool = mysql.createPool({ host, port: 1 });
  const lazy = { lazyConnect: true };
  const grpc = new GrpcClient(`${host}:1`, credentials.createInsecure());
  const mariadb = createMariadbPool({ host, port: 1, minimumIdle: 0, initializationTimeout: 0 });

  it.each<[string, unknown, RegExp]>([
    [
      'a Pool of pg',
      pgPool,
      /\.on\('connect', \(client\) => \.\.\.\) client\.connection\.stream, or use applyToProcess/,
    ],
    ['a pool of mysql2', mysqlPool, /\.on\('connection', \(connection\) => \.\.\.\) connection\.stream/],
    ['a pool of mysql2/promise', mysqlPromise.createPool({ host, port: 1 }), /connection\.stream/],
    ['a cluster of ioredis', quiet(new Cluster([{ host, port: 1 }], lazy)), /node\.stream for each node of cluster/],
    ['a client of redis', quiet(createClient({ url: `redis://${host}:1` })), /tcp-keepalive\/register/],
    ['a MongoClient of mongodb', new MongoClient(`mongodb://${host}:1`), /tcp-keepalive\/register/],
    ['a WebSocketServer of ws', new WebSocketServer({ noServer: true }), /http server below it, or each ws\._socket/],
    ['an Agent of http or https', new http.Agent(), /use applyToProcess or tcp-keepalive\/register/],
    ['a dispatcher of undici', new Agent(), /use applyToProcess/],
    ['a dispatcher of undici', new Pool(url), /use applyToProcess/],
    ['a dispatcher of undici', new UndiciClient(url), /use applyToProcess/],
    ['a client of grpc-js', grpc, /use applyToProcess/],
    ['a Server of grpc-js', new GrpcServer(), /use applyToProcess/],
    ['a client of mariadb', mariadb, /use applyToProcess/],
    ['a client of postgres', postgres({ host, port: 1 }), /use applyToProcess/],
    ['a Response of fetch', new Response(), /use applyToProcess/],
    ['a UDP socket', dgram.createSocket('udp4'), /keepalive is a feature of TCP$/],
  ])('%s is named, with what to do', (what, target, advice) => {
    const message = messageFor(target);
    expect(message).toContain(`got ${what}; `);
    expect(message).toMatch(advice);
  });

  it('a WebSocket of Node.js, which is that of undici, is named', () => {
    const target = new (globalThis.WebSocket ?? UndiciWebSocket)(`ws://${host}:1`);
    target.addEventListener('error', () => {});
    expect(messageFor(target)).toContain('got a WebSocket; its sockets cannot be reached: use applyToProcess');
  });
});

describe('every call that takes a target', () => {
  it('has the same error', async () => {
    const agent = new http.Agent() as unknown as KeepAliveTarget;
    const expected = /got an Agent of http or https; use applyToProcess/;
    expect(() => getKeepAlive(agent)).toThrow(expected);
    await expect(probePeer(agent)).rejects.toThrow(expected);
    expect(() => watchPeers({ sockets: [agent] })).toThrow(expected);
    const watch = watchPeers({ sockets: [] });
    expect(() => watch.add(agent)).toThrow(expected);
    watch.close();
  });
});

describe('an object that nobody knows', () => {
  class Session {}

  it('is named by its class', () => {
    expect(messageFor(new Session())).toContain(
      'got an object of the class Session; pass its net.Socket, or use applyTo',
    );
  });

  it('runs no code of its own', () => {
    const ran: string[] = [];
    const trap = (name: string) => () => {
      ran.push(name);
      throw new Error(name);
    };
    const getters = Object.create(
      Object.defineProperties(
        {},
        Object.fromEntries(
          ['constructor', 'connection', 'connectionParameters', 'dispatch', 'stream', 'name'].map((name) => [
            name,
            { get: trap(name) },
          ]),
        ),
      ) as object,
    ) as object;
    expect(messageFor(getters)).toContain('a Client of pg');
    const Odd = class {};
    Object.defineProperty(Odd, 'name', { get: trap('static name') });
    expect(messageFor(new Odd())).toMatch(/got an object$/);
    expect(ran).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['without a prototype', Object.create(null)],
    ['of another realm, as in Jest', vm.runInNewContext('({})')],
    ['of a class without a name', new (class {})()],
    [
      'of a class with a name of control characters',
      Object.create({ constructor: Object.defineProperty(class {}, 'name', { value: '\u001b[2J' }) }),
    ],
    ['behind a revoked proxy', revokedBelow()],
    ['with a very long chain of prototypes', deep()],
  ])('is an object: %s', (_, target) => {
    expect(messageFor(target)).toMatch(/got an object$/);
  });
});

function revokedBelow(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  const object = Object.create(proxy) as object;
  Object.defineProperty(object, 'socket', { value: 1 });
  revoke();
  return object;
}

function deep(): object {
  let object: object = Object.create(null);
  for (let depth = 0; depth < 100_000; depth += 1) object = Object.create(object) as object;
  return object;
}
