import { describeValue } from '../../policy/errors.js';
import { ObjectShape } from './object-shape.js';

/** An object of a widely used package that people pass instead of the socket below it. */
interface KnownTarget {
  /** The name of the object in an error, with its article. */
  readonly what: string;
  /** Properties that together no other package's objects have. */
  readonly has: readonly string[];
  /** A class that the object must be of, where properties alone do not tell. */
  readonly className?: string;
  /** What to do instead. */
  readonly advice: string;
}

const reachAll = 'use applyToProcess or tcp-keepalive/register, which reach every connection';
const hidden = `its sockets cannot be reached: ${reachAll}`;
const socketIs = (place: string) => `its socket is ${place}`;
const each = (event: string, holder: string, place: string) =>
  `pass the socket of each connection, in .on('${event}', (${holder}) => ...) ${place}, or ${reachAll}`;

const knownTargets: readonly KnownTarget[] = [
  { what: 'a Client of pg', has: ['connection', 'connectionParameters'], advice: socketIs('client.connection.stream') },
  {
    what: 'a Pool of pg',
    has: ['Client', '_clients', '_pendingQueue'],
    advice: each('connect', 'client', 'client.connection.stream'),
  },
  {
    what: 'a connection of mysql2',
    has: ['stream', 'packetParser', 'serverCapabilityFlags'],
    advice: socketIs('connection.stream'),
  },
  {
    what: 'a connection of mysql2/promise',
    className: 'PromiseConnection',
    has: ['connection', 'Promise'],
    advice: socketIs('connection.connection.stream'),
  },
  {
    what: 'a pool of mysql2',
    has: ['_allConnections', '_freeConnections'],
    advice: each('connection', 'connection', 'connection.stream'),
  },
  {
    what: 'a pool of mysql2/promise',
    className: 'PromisePool',
    has: ['pool', 'Promise'],
    advice: each('connection', 'connection', 'connection.stream'),
  },
  { what: 'a connection of mysql', has: ['_socket', '_protocol', 'threadId'], advice: socketIs('connection._socket') },
  {
    what: 'a client of ioredis',
    has: ['connector', 'scriptsSet'],
    advice: `${socketIs('redis.stream')} once it connects`,
  },
  {
    what: 'a cluster of ioredis',
    has: ['startupNodes', 'connectionPool', 'slots'],
    advice: `its sockets are node.stream for each node of cluster.nodes(), or ${reachAll}`,
  },
  { what: 'a client of redis', className: 'RedisClient', has: ['sendCommand'], advice: hidden },
  { what: 'a MongoClient of mongodb', className: 'MongoClient', has: ['db'], advice: hidden },
  {
    what: 'a WebSocket of ws',
    has: ['_socket', '_receiver', '_extensions'],
    advice: `${socketIs('ws._socket')} once it is open`,
  },
  {
    what: 'a WebSocketServer of ws',
    has: ['shouldHandle', 'handleUpgrade', 'completeUpgrade'],
    advice: "pass the http server below it, or each ws._socket, in .on('connection', (ws) => ...)",
  },
  { what: 'a Server of socket.io', has: ['httpServer', '_nsps', 'eio'], advice: 'its server is io.httpServer' },
  {
    what: 'a Socket of socket.io',
    has: ['nsp', 'handshake', 'conn'],
    advice: `${socketIs('socket.conn.transport.socket._socket')} once its transport is a WebSocket; pass io.httpServer for all`,
  },
  { what: 'an Agent of http or https', has: ['freeSockets', 'requests', 'maxFreeSockets'], advice: reachAll },
  { what: 'a dispatcher of undici', className: 'Dispatcher', has: ['dispatch'], advice: hidden },
  {
    what: 'a connection of amqplib',
    has: ['connection', 'createChannel', 'createConfirmChannel'],
    advice: socketIs('connection.connection.stream'),
  },
  { what: 'a client of mqtt', has: ['stream', 'incomingStore', 'outgoingStore'], advice: socketIs('client.stream') },
  { what: 'a Kafka of kafkajs', has: ['producer', 'consumer', 'admin'], advice: hidden },
  { what: 'a producer of kafkajs', has: ['sendBatch', 'isIdempotent'], advice: hidden },
  { what: 'a consumer of kafkajs', has: ['commitOffsets', 'describeGroup'], advice: hidden },
  { what: 'a client of grpc-js', has: ['waitForReady', 'makeUnaryRequest'], advice: hidden },
  { what: 'a Server of grpc-js', has: ['bindAsync', 'addService'], advice: hidden },
  { what: 'a client of mariadb', has: ['activeConnections', 'taskQueueSize'], advice: hidden },
  { what: 'a client of postgres', has: ['unsafe', 'begin', 'PostgresError'], advice: hidden },
  {
    what: 'a connection of NATS',
    className: 'NatsConnectionImpl',
    has: ['protocol'],
    advice: socketIs('connection.protocol.transport.socket'),
  },
  { what: 'a WebSocket', className: 'WebSocket', has: ['bufferedAmount', 'binaryType'], advice: hidden },
  {
    what: 'a UDP socket',
    className: 'Socket',
    has: ['addMembership', 'bind'],
    advice: 'keepalive is a feature of TCP',
  },
  { what: 'a Response of fetch', className: 'Response', has: ['arrayBuffer', 'redirected'], advice: hidden },
  { what: 'an application of Fastify', has: ['server', 'inject', 'listen'], advice: 'its server is app.server' },
  {
    what: 'an application of Express',
    has: ['listen', 'handle', 'engine'],
    advice: 'its server is what app.listen() returns',
  },
];

/**
 * Describes a wrong target for an error, and says what to pass instead. Recognizes objects of widely used packages by their
 * shape. Runs no code of the object, and never throws.
 */
export function describeTarget(target: unknown): string {
  const shape = new ObjectShape(target);
  const { classes } = shape;
  const known = knownTargets.find(
    ({ className, has }) =>
      (className === undefined || classes.includes(className)) && has.every((name) => shape.has(name)),
  );
  if (known !== undefined) return `${known.what}; ${known.advice}`;
  const [className] = classes;
  const isOwn = className !== undefined && typeof target === 'object' && className !== 'Array';
  return isOwn ? `an object of the class ${className}; pass its net.Socket, or ${reachAll}` : describeValue(target);
}
