import { AsyncLocalStorage, createHook, executionAsyncId } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { type EventEmitter, once } from 'node:events';
import net from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Behaviours, closed, here, listening, opening, pair, portOf } from './observing.js';

async function storage(): Promise<unknown> {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const note = (what: string) => seen.push([what, store.getStore()]);
  const server = opening(net.createServer());
  store.run('server', () => {
    server.on('connection', (socket) => {
      note('connection');
      socket.on('data', () => note('server data'));
      socket.on('close', () => note('server close'));
      socket.pipe(socket);
    });
    server.listen(0, here, () => note('listening'));
  });
  await once(server, 'listening');
  const client = store.run('client', () => {
    const socket = opening(net.connect(portOf(server), here, () => note('connect')));
    socket.setKeepAlive(true, 1000);
    return socket.on('data', () => note('client data')).on('close', () => note('client close'));
  });
  await once(client, 'connect');
  store.run('writing', () => client.write('x', () => note('written')));
  await once(client, 'data');
  client.end();
  await closed(client);
  await delay(20);
  return seen.map((entry) => JSON.stringify(entry)).sort();
}

/** The resources that async_hooks tells of, without what timers and promises of this file make. */
async function resources(): Promise<unknown> {
  const counts: Record<string, number> = {};
  const hook = createHook({
    init: (_, type) => {
      if (/WRAP$/.test(type)) counts[type] = (counts[type] ?? 0) + 1;
    },
  }).enable();
  const [client, accepted] = await pair();
  client.setKeepAlive(true, 1000);
  accepted.setKeepAlive(true, 1000);
  client.end('x');
  accepted.resume();
  await closed(accepted);
  hook.disable();
  return counts;
}

async function executionIds(): Promise<unknown> {
  const server = await listening(net.createServer());
  const types = new Map<number, string>();
  const hook = createHook({ init: (id, type) => types.set(id, type) }).enable();
  const seen: unknown[] = [];
  const client = opening(net.connect(portOf(server), here));
  client.on('connect', () => seen.push(['connect', types.get(executionAsyncId())]));
  client.on('data', () => seen.push(['data', types.get(executionAsyncId())]));
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  accepted.end('x');
  await closed(client);
  hook.disable();
  return seen;
}

async function channels(): Promise<unknown> {
  const names = ['net.client.socket', 'net.server.socket', 'tracing:net.server.listen:asyncStart'];
  names.push('tracing:net.server.listen:asyncEnd', 'tracing:net.server.listen:error');
  const seen: unknown[] = [];
  const listeners = names.map((name) => {
    const listener = (message: unknown) => seen.push([name, Object.keys(message as object)]);
    diagnostics.subscribe(name, listener);
    return () => diagnostics.unsubscribe(name, listener);
  });
  const [client] = await pair();
  client.destroy();
  await delay(10);
  const unconnected = new net.Socket();
  const server = await listening(net.createServer());
  unconnected.connect(portOf(server), here);
  await once(server, 'connection');
  unconnected.destroy();
  for (const stop of listeners) stop();
  return seen.map((entry) => JSON.stringify(entry)).sort();
}

const activeTcp = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));

/** What is active once no socket or server is closing any more. */
async function settledTcp(): Promise<string[]> {
  let active = activeTcp();
  for (let last = -1; active.length !== last; active = activeTcp()) {
    last = active.length;
    await delay(200);
  }
  return active;
}

/** What is active in this process while a pair of sockets and a server is open, and after it. */
async function activeResources(): Promise<unknown> {
  const before = await settledTcp();
  const server = await listening(net.createServer());
  const [client, accepted] = await pair();
  const during = await settledTcp();
  client.destroy();
  await closed(accepted.resume());
  server.close();
  await closed(server);
  return { before, during, after: await settledTcp() };
}

async function performanceEntries(): Promise<unknown> {
  const seen: unknown[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { name, entryType } of list.getEntries()) seen.push([name, entryType]);
  });
  observer.observe({ entryTypes: ['net'] });
  const [client] = await pair();
  client.destroy();
  await delay(50);
  observer.disconnect();
  return seen;
}

export const contexts: Behaviours = {
  'AsyncLocalStorage is kept in callbacks': storage,
  'async_hooks tells of the same resources': resources,
  'callbacks run in the resources they did': executionIds,
  'diagnostics channels tell of each socket and listener once': channels,
  'what is active, and what is left': activeResources,
  'performance entries of connections': performanceEntries,
  'an error in a listener reaches uncaughtException once': async () => {
    const monitored: string[] = [];
    const monitor = (error: Error) => monitored.push(error.message);
    process.on('uncaughtExceptionMonitor', monitor);
    const swallow = () => {};
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', swallow);
    const [client, accepted] = await pair();
    client.once('data', () => {
      throw new Error('in data');
    });
    accepted.write('x');
    await once(process as EventEmitter, 'uncaughtExceptionMonitor');
    await delay(10);
    process.off('uncaughtExceptionMonitor', monitor).off('uncaughtException', swallow);
    for (const other of others) process.on('uncaughtException', other);
    return { monitored, destroyed: client.destroyed };
  },
};
