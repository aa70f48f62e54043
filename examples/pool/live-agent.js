import http from 'node:http';
import { probePeer } from 'tcp-keepalive';

/** An agent that asks the server of a kept connection for a sign of life before a request goes out on it. */
export class LiveAgent extends http.Agent {
  /** Called by Node.js for each request. */
  async addRequest(request, options, ...rest) {
    try {
      await this.discardDead(this.freeSockets[this.getName({ ...options, ...this.options })] ?? []);
      super.addRequest(request, options, ...rest);
    } catch (error) {
      request.destroy(error);
    }
  }

  /** Also by itself, such as when the machine has been asleep: discards the dead among all kept connections. */
  async discardDead(kept = Object.values(this.freeSockets).flat()) {
    await Promise.all(
      kept.map(async (socket) => {
        const { answered } = await probePeer(socket, { timeout: '500ms' }).catch(() => ({ answered: false }));
        if (!answered) socket.destroy();
      }),
    );
  }
}
