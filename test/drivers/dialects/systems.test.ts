import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it, type TestContext } from 'vitest';
import { exportPolicy } from '../../../src/index.js';
import { moment } from '../../kernel/observation.js';
import { ownNetwork } from '../../program.js';
import { cannotRun } from '../../requirement.js';

function scratch({ onTestFinished }: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dialect-systems-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const lacks = (command: string, args: readonly string[], debian: string) =>
  cannotRun(spawnSync(command, args).status !== 0, `${command} is not installed (apt-get install ${debian})`);

const network = ownNetwork();

describe('an exported policy is accepted by', () => {
  it.skipIf(lacks('systemd-analyze', ['--version'], 'systemd'))('systemd, without a complaint', (context) => {
    const folder = scratch(context);
    const { text } = exportPolicy('30:5:3', 'systemd');
    const verify = (options: string) => {
      writeFileSync(path.join(folder, 'example.service'), '[Service]\nExecStart=/bin/true\n');
      writeFileSync(path.join(folder, 'example.socket'), `${options}ListenStream=127.0.0.1:1\n`);
      const args = ['verify', '--man=no', path.join(folder, 'example.socket')];
      return spawnSync('systemd-analyze', args, { encoding: 'utf8' }).stderr;
    };
    expect(verify(text)).not.toContain(folder);
    // The same check finds a word that systemd does not have, and a value that it does not take.
    expect(verify(text.replace('KeepAliveProbes', 'KeepAliveProbe'))).toMatch(/example\.socket:5: Unknown key/);
    expect(verify(text.replace('TimeSec=30', 'TimeSec=x'))).toMatch(/example\.socket:3: Failed to parse/);
  });

  it.skipIf(cannotRun(network === undefined, 'it needs a network namespace (unshare --net)'))(
    'sysctl, in a network namespace whose kernel then has the numbers',
    (context) => {
      const file = path.join(scratch(context), 'keepalive.conf');
      writeFileSync(file, exportPolicy('30:5:3', 'sysctl').text);
      const script = `sysctl -q -p '${file}' && cat /proc/sys/net/ipv4/tcp_keepalive_{time,intvl,probes}`;
      const [command = '', ...args] = [...(network as readonly string[]), 'bash', '-c', script];
      const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
      expect([stdout, stderr]).toEqual(['30\n5\n3\n', '']);
    },
  );

  it.skipIf(lacks('ssh', ['-V'], 'openssh-client'))('OpenSSH, which shows it with -G', (context) => {
    const file = path.join(scratch(context), 'config');
    writeFileSync(file, exportPolicy('30:30:3', 'ssh').text);
    const { status, stdout } = spawnSync('ssh', ['-G', '-F', file, 'localhost'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^serveraliveinterval 30$/m)]);
    expect(stdout).toMatch(/^serveralivecountmax 3$/m);
  });

  it('grpc-js, whose client then asks an idle server with PING', async ({ onTestFinished }) => {
    const options = JSON.parse(exportPolicy('1:1:3', 'grpc').text);
    const pings: number[] = [];
    const server = http2.createServer().on('session', (session) => {
      session.on('ping', () => pings.push(performance.now()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
    onTestFinished(() => {
      client.close();
      server.close();
    });
    client.waitForReady(Date.now() + 10_000, () => {});
    await moment(() => pings.length >= 3, 'three PINGs');
    const [first = 0, , third = 0] = pings;
    expect(third - first).toBeGreaterThan(1500);
  });
});
