import { type Child, startChild } from './child.js';

/** Makes idle connections between two processes, plain ones or WebSockets, and hands over the one that holds the clients. */
export async function withIdleConnections<Result>(
  kind: 'tcp' | 'ws',
  count: number,
  use: (clients: Child) => Promise<Result>,
): Promise<Result> {
  const server = startChild('idle-server.ts', [kind]);
  try {
    const clients = startChild('idle-clients.ts', [String(count), String(await server.ready), kind]);
    try {
      if ((await clients.ready) !== count) throw new Error(`not all of ${count} connections were made`);
      return await use(clients);
    } finally {
      await clients.end();
    }
  } finally {
    await server.end();
  }
}
