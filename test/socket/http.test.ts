import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getKeepAlive, type KeepAliveTarget, setKeepAlive } from '../../src/index.js';
import { clientTls, closed, listening, portOf, serverTls } from '../endpoints.js';
import { article, fdOf, kernelState, kernelStateOf } from '../kernel/descriptor.js';

const pending = { ...article, status: 'pending' };

/** What http2 offers as `socket` forwards `_handle`, so the descriptor is the session's own. */
const heldState = (target: { readonly socket: net.Socket | null | undefined }) =>
  kernelState(fdOf(target.socket as net.Socket));

function closingSession<T extends http2.ClientHttp2Session>(session: T): T {
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

describe.each([
  ['http', () => http.createServer(), http.request],
  ['https', () => https.createServer(serverTls), https.request],
] as const)('%s', (scheme, createServer, request) => {
  it('takes the policy on a request, its socket, the incoming message and the response', async () => {
    const server = await listening<http.Server>(createServer());
    const onServer = new Promise<unknown[]>((resolve, reject) => {
      server.on('request', (req: http.IncomingMessage, res: http.ServerResponse) => {
        try {
          const states = [setKeepAlive(req, '30:5:3'), getKeepAlive(res), heldState(req)];
          const changed = [setKeepAlive(res, '40:6:4'), getKeepAlive(req.socket)];
          resolve([...states, ...changed]);
        } catch (error) {
          reject(error);
        }
        res.end();
      });
    });
    const outgoing = request({ ...clientTls, host: '127.0.0.1', port: portOf(server), agent: false, method: 'GET' });
    expect(() => setKeepAlive(outgoing, '30:5:3')).toThrow(expect.objectContaining({ code: 'ENOTCONN' }));
    const [socket] = (await once(outgoing, 'socket')) as [net.Socket];
    expect(setKeepAlive(outgoing, '30:5:3')).toMatchObject(article);
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    expect([getKeepAlive(outgoing), kernelStateOf(socket)]).toEqual([article, article]);
    expect(setKeepAlive(response, '30:5:3')).toEqual(article);
    response.resume();
    const other = { ...article, idle: 40000, interval: 6000, count: 4 };
    expect(await onServer).toEqual([article, article, article, other, other]);
    expect(scheme === 'https').toBe('encrypted' in socket);
  });

  it('says that a response has no socket once it has been sent', async () => {
    const server = await listening<http.Server>(createServer());
    const [outcome] = await Promise.all([
      new Promise<unknown>((resolve) => {
        server.on('request', (_req, res: http.ServerResponse) => {
          res.on('finish', () => setImmediate(() => resolve(codeOf(() => setKeepAlive(res, '30:5:3')))));
          res.end();
        });
      }),
      once(
        request({ ...clientTls, port: portOf(server), host: '127.0.0.1', agent: false })
          .on('error', () => {})
          .end(),
        'response',
      ),
    ]);
    expect(outcome).toBe('ENOTCONN');
  });
});

function codeOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe.each([
  ['plain', () => http2.createServer(), 'http'],
  ['secure', () => http2.createSecureServer(serverTls), 'https'],
] as const)('http2, %s', (_name, createServer, scheme) => {
  const connect = (server: net.Server) =>
    closingSession(http2.connect(`${scheme}://localhost:${portOf(server)}`, { ca: serverTls.cert }));

  it('takes the policy on the client session before it connects and after', async () => {
    const server = await listening<net.Server>(createServer(), 'localhost');
    const session = connect(server);
    expect(setKeepAlive(session, '30:5:3')).toEqual(pending);
    expect(getKeepAlive(session)).toEqual(pending);
    await once(session, 'connect');
    expect([getKeepAlive(session), heldState(session)]).toEqual([article, article]);
    expect(setKeepAlive(session.socket, '40:6:4')).toMatchObject({ idle: 40000 });
    expect(heldState(session)).toMatchObject({ idle: 40000, interval: 6000, count: 4 });
  });

  it('takes the policy on the server session and on the compatibility request and response', async () => {
    const server = await listening<net.Server>(createServer(), 'localhost');
    const onServer = new Promise<unknown[]>((resolve, reject) => {
      server.on('request', (req: http2.Http2ServerRequest, res: http2.Http2ServerResponse) => {
        try {
          const session = req.stream.session as http2.Http2Session;
          resolve([setKeepAlive(session, '30:5:3'), getKeepAlive(req), getKeepAlive(res), heldState(session)]);
        } catch (error) {
          reject(error);
        }
        res.end();
      });
    });
    const session = connect(server);
    session.request({ ':path': '/' }).resume();
    expect(await onServer).toEqual([article, article, article, article]);
  });

  it('answers EBADF once the session is closed', async () => {
    const server = await listening<net.Server>(createServer(), 'localhost');
    const session = connect(server);
    setKeepAlive(session, '30:5:3');
    await once(session, 'connect');
    const ended = closed(session);
    session.destroy();
    await ended;
    const bad = expect.objectContaining({ name: 'SystemCallError', code: 'EBADF' });
    expect(() => setKeepAlive(session, '30:5:3')).toThrow(bad);
    expect(() => getKeepAlive(session)).toThrow(bad);
  });

  it('leaves a refused connection to the session, with no error of its own', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', note);
    onTestFinished(() => void process.off('uncaughtException', note));
    const server = await listening<net.Server>(createServer(), 'localhost');
    const port = portOf(server);
    server.close();
    const session = closingSession(http2.connect(`${scheme}://localhost:${port}`));
    const ended = Promise.all([closed(session), closed(session.socket)]);
    setKeepAlive(session, '30:5:3');
    const [error] = await once(session, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    await ended;
    await new Promise(setImmediate);
    expect(uncaught).toEqual([]);
    const target: KeepAliveTarget = session;
    expect(() => getKeepAlive(target)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});
