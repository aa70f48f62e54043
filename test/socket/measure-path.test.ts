import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { measurePath, type PathMeasurement, type PathProgress } from '../../src/index.js';
import { connected } from '../../src/socket/path/open-connection.js';
import { pathServer } from '../../src/socket/path/path-server.js';
import { crashPeer } from '../../src/testing/index.js';
import { hasIPv6 } from '../peers.js';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';

/** A server on the loopback device that counts its clients. */
class CountingServer {
  readonly port: number;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  most = 0;

  private constructor(server: net.Server, serve: (socket: net.Socket) => void) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      this.most = Math.max(this.most, this.#sockets.size);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      serve(socket);
    });
  }

  static async start(serve: (socket: net.Socket) => void, server = net.createServer()): Promise<CountingServer> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CountingServer(server, serve);
  }

  get open(): number {
    return this.#sockets.size;
  }

  stopListening(): void {
    this.#server.close();
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const tolerant = (socket: net.Socket) => void socket.resume();

/** Measures rests of 1 s to 4 s. */
function measure(port: number, more: object = {}): Promise<PathMeasurement> {
  return measurePath({ host: '127.0.0.1', port, min: '1s', max: '4s', ...more });
}

/** Calls a function some time after the connection was made, unless it has ended by then. */
function later(ms: number, act: (socket: net.Socket) => void): (socket: net.Socket) => void {
  return (socket) => {
    const timer = setTimeout(() => act(socket), ms);
    socket.resume().on('close', () => clearTimeout(timer));
  };
}

describe.concurrent('measurePath', () => {
  it('finds that nothing is lost up to the longest rest, and closes all it opened', async () => {
    using server = await CountingServer.start(tolerant);
    const progress: PathProgress[] = [];
    const result = await measure(server.port, { onProgress: (now: PathProgress) => progress.push(now) });
    expect(result).toMatchObject({ lostMs: null, how: 'survived', disagreements: [], incomplete: [] });
    expect(result.aliveMs).toBeGreaterThanOrEqual(4000);
    expect(result.trials.every(({ outcome }) => outcome === 'alive')).toBe(true);
    expect(result.recommendedIdle).toBeLessThan(result.aliveMs);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress.some(({ resting, leftMs }) => resting > 0 && leftMs > 0 && leftMs <= 8000)).toBe(true);
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it('never has more connections at once than it may', async () => {
    using server = await CountingServer.start(tolerant);
    const result = await measure(server.port, { connections: 3 });
    expect(result).toMatchObject({ how: 'survived', connections: 3 });
    expect(server.most).toBe(3);
  });

  it('reads and ignores what a server says first', async () => {
    using server = await CountingServer.start((socket) => void socket.resume().write('220 ready\r\n'));
    expect(await measure(server.port)).toMatchObject({ how: 'survived', incomplete: [], disagreements: [] });
  });

  it('says that the server closed, and after how long, also if the server says why', async () => {
    for (const farewell of ['', 'HTTP/1.1 408 Request Timeout\r\n\r\n']) {
      using server = await CountingServer.start(later(2500, (socket) => socket.end(farewell)));
      const { lostMs, how, disagreements } = await measure(server.port);
      expect([how, disagreements]).toEqual(['closed-by-server', []]);
      expect(lostMs).toBeGreaterThan(2300);
      expect(lostMs).toBeLessThan(4000);
    }
  });

  it('tells RST from FIN', async () => {
    using server = await CountingServer.start(later(2500, (socket) => socket.resetAndDestroy()));
    const { how, lostMs } = await measure(server.port);
    expect(how).toBe('reset');
    expect(lostMs).toBeGreaterThan(2300);
  });

  it('tells silence', async () => {
    using server = await CountingServer.start(later(2500, (socket) => void crashPeer(socket)));
    const { how, aliveMs, lostMs } = await measure(server.port);
    expect(how).toBe('silent');
    expect(lostMs).toBeGreaterThan(2300);
    expect(aliveMs).toBeLessThan(lostMs ?? 0);
  });

  it('says what is known of a server that can no longer be reached', async () => {
    using server = await CountingServer.start(later(2500, (socket) => socket.resetAndDestroy()));
    const onProgress = ({ known }: PathProgress) => {
      if (known.aliveMs > 0) server.stopListening();
    };
    const { how, aliveMs, incomplete } = await measure(server.port, { onProgress });
    expect(how).toBe('reset');
    expect(aliveMs).toBeGreaterThanOrEqual(1000);
    expect(incomplete).toEqual([
      expect.stringMatching(/^the path has changed while it was measured: connect: ECONNREFUSED, /),
    ]);
  });

  it('says that a server sends packets of its own, which keep the path alive', async () => {
    using server = await CountingServer.start((socket) => void socket.resume().setKeepAlive(true, 1000));
    const { how, aliveMs, incomplete } = await measure(server.port, { min: '2s' });
    expect([how, aliveMs]).toEqual(['survived', 0]);
    expect(incomplete).toEqual([
      expect.stringMatching(/^the other end sends packets of its own, at most [\d.]+ m?s apart$/),
    ]);
  });

  it('reports connections that the server closes at once, and measures the others', async () => {
    let count = 0;
    using server = await CountingServer.start((socket) => {
      count += 1;
      if (count > 5) socket.end('too many\r\n');
      else socket.resume();
    });
    const { how, disagreements } = await measure(server.port);
    expect(how).toBe('survived');
    expect(new Set(disagreements.map(({ outcome }) => outcome))).toEqual(new Set(['closed-by-server']));
  });

  it('measures the other direction with a server of its own', async () => {
    using server = await CountingServer.start(() => {}, pathServer());
    const plain = measure(server.port);
    const result = await measure(server.port, { asking: 'server' });
    expect(result).toMatchObject({ how: 'survived', incomplete: [], disagreements: [] });
    expect(result.aliveMs).toBeGreaterThan(3900);
    expect(await plain).toMatchObject({ how: 'survived', incomplete: [] });
  });

  it('rejects as soon as its signal is aborted, and closes all it opened', async () => {
    using server = await CountingServer.start(tolerant);
    const reason = new Error('enough');
    const ending = new AbortController();
    const measuring = measure(server.port, { signal: ending.signal });
    setTimeout(() => ending.abort(reason), 700);
    await expect(measuring).rejects.toBe(reason);
    await vi.waitFor(() => expect(server.open).toBe(0));
    await expect(measure(server.port, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.open).toBe(0);
  });

  it('rejects as soon as its signal is aborted also while it ends what a loss leaves at the server', async () => {
    using server = await CountingServer.start(later(1500, (socket) => void crashPeer(socket)));
    const ending = new AbortController();
    let abortedAt = 0;
    const onProgress = ({ known: { lostMs } }: PathProgress) => {
      if (lostMs === null || abortedAt > 0) return;
      abortedAt = performance.now();
      ending.abort();
    };
    await expect(measure(server.port, { onProgress, signal: ending.signal })).rejects.toThrow(/aborted/);
    // The server's kernel is asked for 3 s.
    expect(performance.now() - abortedAt).toBeLessThan(1500);
  });

  it('measures with the options that it was called with, and returns results that no caller has changed', async () => {
    using server = await CountingServer.start(tolerant);
    const onProgress = ({ known }: PathProgress) => {
      for (const trial of [...known.trials, ...known.disagreements])
        Object.assign(trial, { restMs: 1, outcome: 'silent' });
    };
    const options: Record<string, unknown> = { host: '127.0.0.1', port: server.port, min: '1s', max: '3s', onProgress };
    const measuring = measurePath(options as never);
    setTimeout(() => Object.assign(options, { host: 1, asking: 'server', signal: 'none', onProgress: 'none' }), 300);
    expect(await measuring).toMatchObject({ how: 'survived', lostMs: null, disagreements: [] });
  });

  it.skipIf(cannotRun(!hasIPv6, 'this machine has no address ::1'))('takes another address of a name', async () => {
    // `localhost` has ::1 too, where nobody listens.
    using server = await CountingServer.start(tolerant);
    const result = await measure(server.port, { host: 'localhost', max: '2s' });
    expect(result).toMatchObject({ how: 'survived', address: '127.0.0.1' });
  });

  it('says why a server cannot be reached, and what to do', async () => {
    const unused = net.createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const { port } = unused.address() as net.AddressInfo;
    unused.close();
    await expect(measure(port)).rejects.toMatchObject({
      name: 'SystemCallError',
      code: 'ECONNREFUSED',
      message: `connect: ECONNREFUSED, 127.0.0.1:${port} refused the connection: check the port, and that a server listens there`,
    });
    await expect(measure(port, { host: 'localhost' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(measure(port, { host: 'no-such-host.invalid' })).rejects.toMatchObject({ name: 'SystemCallError' });
    using server = await CountingServer.start(tolerant);
    await expect(measure(server.port, { asking: 'server' })).rejects.toThrow(/is no `tcp-keepalive nat serve`/);
    using closing = await CountingServer.start((socket) => socket.end());
    await expect(measure(closing.port, { asking: 'server' })).rejects.toThrow(/is no `tcp-keepalive nat serve`/);
  });

  it('blames the DNS servers, not the firewalls, for a name that is not looked up in time', async () => {
    const socket = net.connect({ host: 'slow.example', port: 1, lookup: () => {} });
    await expect(connected(socket, { host: 'slow.example', port: 1 })).rejects.toMatchObject({
      code: 'EAI_AGAIN',
      message: 'getaddrinfo: EAI_AGAIN, slow.example:1 could not be looked up: check the DNS servers',
    });
    expect(socket.destroyed).toBe(true);
  });

  it.each([
    [{ host: '' }, /host must be the name/],
    [{ host: 'a'.repeat(300) }, /host must be the name or address of a host, got "a{60}"\.\.\./],
    [{ port: 0 }, /port must be a whole number from 1 to 65535, got 0/],
    [{ min: 30 }, /min must be a duration from 1 s to 24 h.*did you mean '30s'/],
    [{ max: '2d' }, /max must be a duration/],
    [{ min: '5s' }, /max must be longer than min, which is 5000 ms/],
    [{ connections: 1 }, /connections must be a whole number from 2 to 1000, got 1/],
    [{ asking: 'peer' }, /asking must be one of client, server/],
    [{ signal: {} }, /signal must be an AbortSignal/],
    [{ onProgress: 1 }, /onProgress must be a function/],
    [{ timeout: 1 }, /unknown option "timeout"/],
  ])('refuses %j', async (wrong, message) => {
    await expect(measure(1, wrong)).rejects.toThrow(message);
  });
});

it('rests without probes of a policy of the whole program, and does not keep the process alive', async () => {
  using server = await CountingServer.start(tolerant);
  const program = new URL('programs/measured-path.mjs', import.meta.url);
  const result = await runProgram<PathMeasurement>(program, [String(server.port)]);
  expect(result).toMatchObject({ how: 'survived', incomplete: [], disagreements: [] });
});
