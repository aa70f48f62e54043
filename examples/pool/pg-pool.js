import { probePeer } from 'tcp-keepalive';

/** A client of a pg pool whose server is there: dead connections are discarded before use. */
export async function liveClient(pool) {
  for (;;) {
    const client = await pool.connect();
    const { stream } = client.connection;
    const { answered } = await probePeer(stream, { timeout: '500ms' }).catch(() => ({ answered: false }));
    if (answered) return client;
    client.release(true); // ends the connection, so that the next one is another
  }
}
