import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const projectRoot = path.resolve(import.meta.dirname, '../..');

/** What a server still has of its clients. */
export interface Holdings {
  /** By `server.getConnections`. */
  readonly connections: number;
  /** Open sockets, by `process.getActiveResourcesInfo`. */
  readonly handles: number;
}

/** A server of Node.js in a process of its own. */
export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts `programs/serve.mjs`, under `tcp-keepalive/register` where there is a policy. */
  static async start(kind: string, policy?: string): Promise<ServerProcess> {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = fork(path.join(import.meta.dirname, 'programs/serve.mjs'), [kind], {
      cwd: projectRoot,
      execArgv: policy === undefined ? [] : ['--import', 'tcp-keepalive/register'],
      env: policy === undefined ? env : { ...env, TCP_KEEPALIVE: policy },
    });
    const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (typeof first?.port !== 'number') throw new Error(`the server '${kind}' did not start`);
    return new ServerProcess(child, first.port);
  }

  async holdings(): Promise<Holdings> {
    const answered = once(this.#child, 'message');
    this.#child.send('status');
    const [holdings] = await answered;
    return holdings as Holdings;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
