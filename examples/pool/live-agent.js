import http from 'node:http';
import { probePeer, setKeepAlive } from 'tcp-keepalive';

/** An agent that asks the server of a kept connection for a sign of life before a request goes out on it. */
export class LiveAgent extends http.Agent {
  /** Called by Node.js when a connection goes back to the agent: with Node's own 1 s of idle an answer takes longer. */
  keepSocketAlive(socket) {
    const isKept = super.keepSocketAlive(socket);
    setKeepAlive(socket, '30:5:3:auto');
    return isKept;
  }

  /** Called by Node.js for each request. */
  async addRequest(request, options, ...rest) {
    try {
      await this.discardDead(this.freeSockets[this.getName({ ...options, ...this.options })] ?? []);
      super.addRequest(request, options, ...rest);
    } catch (error) {
      request.destroy(error);
    }
  }

  /** Discards the dead among all kept connections, such as when the machine has been asleep. */
  async discardDead(kept = Object.values(this.freeSockets).flat()) {
    await Promise.all(
      kept.map(async (socket) => {
        const asked = await probePeer(socket, { timeout: '500ms' }).catch(() => ({ answered: false }));
        // 'not-asked' says nothing against a server that has answered all probes until now.
        if (asked.answered !== true && asked.unanswered !== 0) socket.destroy();
      }),
    );
  }
}
