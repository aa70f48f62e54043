import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The arguments that make Node.js run a TypeScript module of this folder. */
export function nodeArguments(module: string): string[] {
  return ['--import', 'tsx', fileURLToPath(new URL(module, import.meta.url))];
}

/** A process of its own that answers messages one by one, with numbers unless stated. */
export interface Child {
  /** The number that it sends when it is ready. */
  readonly ready: Promise<number>;
  ask<Answer = number>(message: object): Promise<Answer>;
  /** Ends it, and waits until it has. */
  end(): Promise<void>;
}

async function nextAnswer<Answer>(child: ChildProcess): Promise<Answer> {
  const ended = new AbortController();
  const failIfEnded = once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended early with ${signal ?? code}`);
  });
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal: ended.signal }), failIfEnded]);
    return answer as Answer;
  } finally {
    ended.abort();
    failIfEnded.catch(() => {});
  }
}

/** Runs a module of this folder in a process of its own, under the command given, if any (such as strace). */
export function startChild(module: string, args: readonly string[], under: readonly string[] = []): Child {
  const [command = process.execPath, ...rest] = [...under, process.execPath, ...nodeArguments(module), ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  return {
    ready: nextAnswer(child),
    ask<Answer>(message: object) {
      const answer = nextAnswer<Answer>(child);
      child.send(message);
      return answer;
    },
    async end() {
      const ended = once(child, 'exit');
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await ended;
    },
  };
}
