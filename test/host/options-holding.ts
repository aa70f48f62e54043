import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SocketReference } from '../../src/host/options/source.js';
import type { KeepAlivePolicy, KeepAliveState } from '../../src/index.js';

/** A socket of the other process, and what that process itself reads of it. */
export interface Held {
  readonly name: string;
  readonly fd: number;
  readonly cookie: string;
  readonly state: KeepAliveState;
  readonly localPort: number;
  /** 0 of a listener. */
  readonly remotePort: number;
  /** The code of the error that ended it. */
  readonly ended?: string;
}

export type Command =
  | {
      readonly do: 'start';
      readonly families: ('IPv4' | 'IPv6')[];
      readonly connections: number;
      readonly port?: number;
    }
  | { readonly do: 'set'; readonly name: string; readonly policy: KeepAlivePolicy | false }
  | { readonly do: 'connect'; readonly name: string; readonly to: string; readonly host: string }
  | { readonly do: 'replace'; readonly name: string; readonly by: 'file' | 'socket' | 'nothing' }
  | { readonly do: 'crash'; readonly name: string }
  | { readonly do: 'look' };

/** A process of its own that holds sockets. */
export interface Holder {
  readonly pid: number;
  /** Has it do something and gives the sockets that it then holds, by name. */
  tell(command: Command): Promise<Map<string, Held>>;
  /** How many descriptors it has open. */
  descriptorCount(): number;
  /** The status flags of a descriptor, O_NONBLOCK among them, as the kernel lists them. */
  flagsOf(fd: number): string | undefined;
  end(): Promise<void>;
}

/** Starts one; `prefix` is the command that starts it, such as `['unshare', '--net']`. */
export function startHolder(prefix: readonly string[] = []): Holder {
  const program = fileURLToPath(new URL('options-holder.ts', import.meta.url));
  const [command = '', ...args] = [...prefix, process.execPath, '--import', 'tsx', program];
  const child = spawn(command, args, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  });
  const pid = child.pid as number;
  return {
    pid,
    async tell(command) {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(60_000) });
      child.send(command);
      const [list] = (await answer) as [Held[]];
      return new Map(list.map((socket) => [socket.name, socket]));
    },
    descriptorCount: () => readdirSync(`/proc/${pid}/fd`).length,
    flagsOf: (fd) => /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1],
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** How a source is told of a socket of the other process. */
export function referenceTo(holder: Holder, { cookie, fd }: Held): SocketReference {
  return { cookie: BigInt(cookie), holders: [{ pid: holder.pid, fd }] };
}
