import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const projectRoot = path.resolve(import.meta.dirname, '../..');

/** Something that a driver told its user of. */
export interface DriverEvent {
  /** Where it surfaced, such as `pool 'error'`. */
  readonly event: string;
  readonly error?: { readonly code?: string; readonly message: string };
  /** When, on this process's clock. */
  readonly atMs: number;
}

/** An unmodified driver in a process of its own. */
export class DriverProcess {
  readonly events: DriverEvent[] = [];
  /** What its program can set it up with; the first is its default. */
  settings: readonly string[] = [];
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (error?: { code?: string; message: string }) => void>();
  #complaints = '';
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on('data', (text) => {
      this.#complaints += text;
    });
    child.on('message', (message: { id?: number; event?: string; error?: { code?: string; message: string } }) => {
      const { id, event, error } = message;
      if (id !== undefined) this.#answers.get(id)?.(error);
      else if (event !== undefined) this.events.push({ event, ...(error && { error }), atMs: performance.now() });
    });
    child.on('exit', (code, signal) => {
      for (const answer of this.#answers.values()) {
        answer({ message: `the process ended with ${signal ?? code}: ${this.#complaints}` });
      }
    });
  }

  /** Starts `programs/NAME.mjs`, under `tcp-keepalive/register` where it is given an environment for that. */
  static async start(name: string, registerEnvironment?: Readonly<Record<string, string>>): Promise<DriverProcess> {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = fork(path.join(import.meta.dirname, 'programs/run.mjs'), [name], {
      cwd: projectRoot,
      execArgv: registerEnvironment === undefined ? [] : ['--import', 'tcp-keepalive/register'],
      env: { ...env, ...registerEnvironment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const driver = new DriverProcess(child);
    const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (first?.event !== 'ready') throw new Error(`${name} did not start: ${driver.#complaints}`);
    driver.settings = first.settings;
    driver.events.length = 0;
    return driver;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  #order(order: string, details: object = {}): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, (error) => {
        this.#answers.delete(id);
        if (error === undefined) resolve();
        else reject(Object.assign(new Error(error.message), { code: error.code }));
      });
      this.#child.send({ id, order, ...details });
    });
  }

  /** Makes a client, a pool or an agent. */
  open(port: number, setting = 'default'): Promise<void> {
    return this.#order('open', { port, setting });
  }

  /** One query, request or message that the server answers. */
  use(): Promise<void> {
    return this.#order('use');
  }

  close(): Promise<void> {
    return this.#order('close');
  }

  /** Sets a policy on the socket that an expression gives, in the program's own variables. */
  locate(expression: string, policy: string): Promise<void> {
    return this.#order('locate', { expression, policy });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
