/**
 * Asks the peers of connections that an unanswered probe could end, of peers that are there and of peers that have crashed,
 * and prints the results.
 */
import { getKeepAlive, type PeerProbe, type PolicyInput, probePeer, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment, sentSegments } from '../kernel/observation.js';

export interface AskedAtRisk {
  readonly policy: PolicyInput | false;
  readonly isThere: boolean;
  readonly probe: PeerProbe;
  /** The probes that the peer left unanswered, and the segments that the connection's own kernel sent, because of the question. */
  readonly probes: number;
  readonly sent: number;
  readonly isUnchanged: boolean;
}

const policies = [false, '30:5:1', '4:1:3', '8:1:10:2', '30:5:9:30'] as const;

async function askAtRisk(policy: PolicyInput | false, isThere: boolean): Promise<AskedAtRisk> {
  const { client, server } = await loopbackPair();
  for (const end of [client, server]) end.on('error', () => {});
  setKeepAlive(client, policy);
  await moment(() => infoOf(client).lastAckReceivedMs > 1050, 'a second of quiet');
  const before = JSON.stringify(getKeepAlive(client));
  const sent = sentSegments(client);
  if (!isThere) crashPeer(server);
  const probe = await probePeer(client, { timeout: '500ms' });
  const result = {
    policy,
    isThere,
    probe,
    probes: infoOf(client).probes,
    sent: sentSegments(client) - sent,
    isUnchanged: JSON.stringify(getKeepAlive(client)) === before,
  };
  for (const end of [client, server]) end.destroy();
  return result;
}

const results = await Promise.all(
  [true, false].flatMap((isThere) => policies.map((policy) => askAtRisk(policy, isThere))),
);
console.log(JSON.stringify(results));
