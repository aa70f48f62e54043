import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import grpc from '@grpc/grpc-js';
import { WebSocketServer } from 'ws';
import { portOf, serverTls } from '../../endpoints.js';

/** A server in this process. */
export interface TestServer {
  readonly port: number;
  stop(): Promise<void>;
}

export async function listen(server: net.Server): Promise<TestServer> {
  const accepted = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => accepted.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    for (const socket of accepted) socket.destroy();
    server.close();
  };
  return { port: portOf(server), stop };
}

/** Nothing but a dead peer ends an idle connection of these. */
const patience = { keepAliveTimeout: 600_000 };

const answer: http.RequestListener = (_request, response) => void response.end('ok');

export function startHttp(): Promise<TestServer> {
  return listen(http.createServer(patience, answer));
}

export function startHttps(): Promise<TestServer> {
  return listen(https.createServer({ ...patience, ...serverTls }, answer));
}

export function startHttp2(): Promise<TestServer> {
  const server = http2.createServer((_request, response) => void response.end('ok'));
  server.on('session', (session) => session.on('error', () => {}));
  return listen(server);
}

export function startWs(): Promise<TestServer> {
  const server = http.createServer();
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (message) => socket.send(message));
  });
  return listen(server);
}

/** Accepts and reads, and never answers: for drivers whose server cannot be had. */
export function startListener(): Promise<TestServer> {
  return listen(net.createServer((socket) => socket.resume()));
}

const asIs = (bytes: Buffer): Buffer => bytes;

export async function startGrpc(): Promise<TestServer> {
  const server = new grpc.Server();
  const echo = {
    path: '/tests.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const handler: grpc.handleUnaryCall<Buffer, Buffer> = ({ request }, callback) => callback(null, request);
  server.addService({ Echo: echo }, { Echo: handler });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, stop: async () => server.forceShutdown() };
}
