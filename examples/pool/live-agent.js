import http from 'node:http';
import { probePeer } from 'tcp-keepalive';

/** An agent that can be told to discard the dead among the connections that it keeps. */
export class LiveAgent extends http.Agent {
  async discardDead() {
    const kept = Object.values(this.freeSockets).flat();
    await Promise.all(
      kept.map(async (socket) => {
        const { answered } = await probePeer(socket, { timeout: '500ms' });
        if (!answered) socket.destroy();
      }),
    );
  }
}
