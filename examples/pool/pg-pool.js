import { getKeepAlive, probePeer, setKeepAlive } from 'tcp-keepalive';

/** Returns a client of a pg pool. Connections whose server is silent are discarded before use. */
export async function liveClient(pool) {
  for (;;) {
    const client = await pool.connect();
    const { stream } = client.connection;
    // A peer can be asked where keepalive is on, with a count that leaves probes to spare: pg leaves it off.
    if (!getKeepAlive(stream).enabled) setKeepAlive(stream, '30:5:3:auto');
    // A client that is checked out has no other listener, and an 'error' without one ends the program.
    if (client.listenerCount('error') === 0) client.on('error', () => {});
    const asked = await probePeer(stream, { timeout: '500ms' }).catch(() => ({ answered: false }));
    // 'not-asked' says nothing against a server that has answered all probes until now.
    if (asked.answered === true || asked.unanswered === 0) return client;
    client.release(true); // ends the connection, so that the next one is another
  }
}
