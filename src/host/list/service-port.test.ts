import { describe, expect, it } from 'vitest';
import { exampleConnection, inState } from '../../../test/host/example-row.js';
import { servicePorts } from './service-port.js';

const connection = (localPort: number, remotePort: number, netns = 1) =>
  exampleConnection({
    local: { address: '10.0.0.5', port: localPort },
    remote: { address: '10.0.0.6', port: remotePort },
    netns,
  });
const listener = (port: number, netns = 1) =>
  inState('LISTEN', { local: { address: '0.0.0.0', port }, remote: { address: '0.0.0.0', port: 0 }, netns });

describe('servicePorts', () => {
  it('is at the end that listens, whichever port is the lower', () => {
    const nameOf = servicePorts([connection(50_051, 40_000), listener(50_051)]);
    expect(nameOf(connection(50_051, 40_000))).toBe('local:50051');
    expect(nameOf(connection(40_000, 50_051))).toBe('remote:50051');
  });

  it('knows listeners that are not listed, each in its network namespace', () => {
    const nameOf = servicePorts([connection(50_051, 40_000)], [listener(50_051)]);
    expect(nameOf(connection(50_051, 40_000))).toBe('local:50051');
    expect(nameOf(connection(50_051, 40_000, 2))).toBe('remote:40000');
  });

  it('is at the port that more connections share', () => {
    const clients = [33_001, 60_002, 60_003].map((port) => connection(port, 50_051));
    const nameOf = servicePorts(clients);
    expect(clients.map(nameOf)).toEqual(['remote:50051', 'remote:50051', 'remote:50051']);
    const accepted = [443, 60_002, 60_003].map((port) => connection(50_051, port));
    expect(accepted.map(servicePorts(accepted))).toEqual(['local:50051', 'local:50051', 'local:50051']);
  });

  it('is at the end whose port no client gets, and at the peer if both ports may be those of clients', () => {
    const single = (localPort: number, remotePort: number) => {
      const only = connection(localPort, remotePort);
      return servicePorts([only])(only);
    };
    expect(single(443, 50_000)).toBe('local:443');
    expect(single(50_000, 8080)).toBe('remote:8080');
    expect(single(40_000, 50_051)).toBe('remote:50051');
    expect(single(60_000, 50_051)).toBe('remote:50051');
    expect(single(5432, 9000)).toBe('local:5432');
  });
});
