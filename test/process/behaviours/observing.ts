import { type EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Does something with the public interfaces of Node.js and gives what it saw, as data without ports and times. */
export type Behaviour = () => Promise<unknown>;

/** Behaviours by what they are called in the test report. */
export type Behaviours = Readonly<Record<string, Behaviour>>;

const certificate = (part: string) =>
  readFileSync(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url), 'utf8');

export const serverTls = { key: certificate('key'), cert: certificate('cert') };
export const clientTls = { ca: serverTls.cert, servername: 'localhost' };

export const here = '127.0.0.1';

/** A text without the ports and descriptors in it. */
export const withoutPorts = (text: string) => text.replaceAll(/(?<=:)\d{4,5}\b/g, 'PORT');

/** What of an error a program could act on. */
export function failure(error: unknown): object {
  if (!(error instanceof Error)) return { thrown: String(error) };
  const { name, message } = error;
  const { code, errno, syscall, address } = error as NodeJS.ErrnoException & { address?: string };
  const errors = error instanceof AggregateError ? error.errors.map(failure) : undefined;
  return { name, message: withoutPorts(message), code, errno, syscall, address, errors };
}

/** What a call gives, or throws. */
export function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return failure(error);
  }
}

function described(value: unknown): unknown {
  if (value instanceof Error) return (value as NodeJS.ErrnoException).code ?? value.message;
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  return typeof value === 'object' && value !== null ? value.constructor?.name : value;
}

/** The events that an emitter emits from now on, in their order, with what comes with them. */
export function log(emitter: EventEmitter, ...events: string[]): unknown[][] {
  const seen: unknown[][] = [];
  for (const event of events) emitter.on(event, (...values) => seen.push([event, ...values.map(described)]));
  return seen;
}

export const closed = (emitter: EventEmitter) => new Promise<void>((resolve) => emitter.once('close', () => resolve()));

const endings: (() => void)[] = [];

/** Has something done when the behaviour is over. */
export function atEnd(ending: () => void): void {
  endings.push(ending);
}

/** Has an endpoint closed when the behaviour is over. */
export function opening<T extends net.Socket | net.Server>(endpoint: T): T {
  atEnd(() => {
    if (endpoint instanceof net.Socket) endpoint.on('error', () => {}).destroy();
    else endpoint.close();
  });
  return endpoint;
}

/** Closes what a behaviour has left open. */
export function closeLeftovers(): void {
  for (const ending of endings.splice(0)) ending();
}

export const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port;

/** Has a server listen on a free port; its connections are closed at the end. */
export async function listening<T extends net.Server>(server: T): Promise<T> {
  opening(server).on('connection', (socket: net.Socket) => opening(socket));
  server.listen(0, here);
  await once(server, 'listening');
  return server;
}

/** A port at which nobody listens any more. */
export async function refusingPort(): Promise<number> {
  const server = await listening(net.createServer());
  const port = portOf(server);
  server.close();
  await closed(server);
  return port;
}

/** A client and the socket that was accepted for it. */
export async function pair(options: net.ServerOpts = {}): Promise<[client: net.Socket, accepted: net.Socket]> {
  const server = await listening(net.createServer(options));
  const client = opening(net.connect(portOf(server), here));
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[net.Socket], []];
  server.close();
  return [client, accepted];
}

/** All that a stream has to say. */
export async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

export interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

/** Makes a request and gives its answer. */
export function request(options: http.RequestOptions, send = http.request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    send(options, (answer) => {
      textOf(answer).then((text) => resolve({ status: answer.statusCode, text }), reject);
    })
      .on('error', reject)
      .end();
  });
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(5);
}
