import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { detectionTime, getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { article, fdOf, hasRtoMax, kernelState } from '../kernel/descriptor.js';
import { expectElapsed } from '../kernel/expectation.js';
import { endOf, lastSignOfLife, thisMoment } from '../kernel/observation.js';
import { connectedPair } from '../peers.js';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';

const policy = { idle: 30_000, interval: 5000, count: 3 } as const;

describe.skipIf(cannotRun(!hasRtoMax, 'TCP_RTO_MAX_MS needs Linux 6.15')).concurrent('rtoMax', () => {
  it("is set and read back, left alone by later policies, and left out again at the kernel's own 120 s", async () => {
    const { client, close } = await loopbackPair();
    const wanted = { ...article, rtoMax: 2500 };
    expect(setKeepAlive(client, { ...policy, rtoMax: '2500ms' })).toEqual(wanted);
    expect(kernelState(fdOf(client))).toEqual(wanted);
    expect(setKeepAlive(client, { count: 4 })).toEqual({ ...wanted, count: 4 });
    expect(setKeepAlive(client, { count: 3, rtoMax: 'system' })).toEqual(article);
    expect(getKeepAlive(client)).toEqual(article);
    close();
  });

  it('is promised to a socket that connects, and a listener hands it on', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    setKeepAlive(server, { ...policy, rtoMax: 4000 });
    const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    expect(setKeepAlive(client, { ...policy, rtoMax: 3000 })).toMatchObject({ rtoMax: 3000, status: 'pending' });
    expect(kernelState(fdOf(await accepted)).rtoMax).toBe(4000);
    expect(kernelState(fdOf(client)).rtoMax).toBe(3000);
    client.destroy();
    (await accepted).destroy();
    server.close();
  });

  it('decides when a peer that crashed is detected by data in flight', async () => {
    using pair = await connectedPair('IPv4');
    const end = endOf(pair.server);
    pair.client.resume();
    const short = { idle: 60_000, interval: 60_000, count: 9, rtoMax: 1000 };
    setKeepAlive(pair.server, short);
    await lastSignOfLife(pair.client, pair.server);
    crashPeer(pair.client);
    const { notBefore } = thisMoment();
    pair.server.write('is anybody there?');
    const sent = { notBefore, notAfter: thisMoment().notAfter };
    const { at, code } = await end;
    expect(code).toBe('ETIMEDOUT');
    expectElapsed(sent, at, detectionTime(short, 'data-in-flight'));
  }, 40_000);
});

// A mount namespace shows the sysctls of an older kernel.
const hide = `d=$(mktemp -d) && cd /proc/sys/net/ipv4 &&
  for f in tcp_keepalive_time tcp_keepalive_intvl tcp_keepalive_probes; do cat $f > $d/$f; done &&
  cd "$OLDPWD" && mount --bind $d /proc/sys/net/ipv4 && exec "$@"`;
const older = ['unshare', '--mount', 'sh', '-c', hide, 'sh'];

describe.skipIf(cannotRun(process.getuid?.() !== 0, 'hiding a sysctl takes root'))('on an older kernel', () => {
  it('a state has no rtoMax, and setting it is refused with the kernel that has it', async () => {
    const report = await runProgram(new URL('programs/older-kernel.mjs', import.meta.url), [], older);
    const refusal = { name: 'UnsupportedError', minimumKernel: '6.15' };
    const set = { ...article, connections: 'inherited' };
    expect(report).toEqual({ future: refusal, open: refusal, set, got: article });
  });
});
