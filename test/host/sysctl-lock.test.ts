import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { undoKernelDefaults } from '../../src/host/sysctl/undo-defaults.js';
import type { KernelDefaults } from '../../src/socket/kernel-defaults.js';
import { finished } from '../cli/run-cli.js';
import { FakeRoot } from './fake-root.js';

const setOnce = fileURLToPath(new URL('./programs/set-once.mjs', import.meta.url));
const log = 'var/lib/tcp-keepalive/defaults-undo.json';
const policies = ['600:30:5', '700:20:4', '800:10:3', '900:9:9', '1000:8:8', '1100:7:7'];

describe('changes of the kernel defaults at once', () => {
  it('are made one after the other: the last decides about file and kernel, and can be undone', async () => {
    for (let round = 0; round < 2; round += 1) {
      using fake = new FakeRoot({ 'etc/sysctl.conf': 'net.ipv4.tcp_keepalive_time = 7200\n' });
      const { root } = fake;
      const file = '/etc/sysctl.conf';
      const runs = policies.map((policy) => finished(spawn(process.execPath, [setOnce, root, policy, file])));
      for (const { code, stdout, stderr } of await Promise.all(runs)) {
        expect([code, stderr]).toEqual([0, '']);
        expect(JSON.parse(stdout).applied).toBe(true);
      }
      const { changed } = JSON.parse(readFileSync(fake.path(log), 'utf8'));
      expect(changed).toHaveLength(2);
      const [{ before, after }] = changed;
      const numbers = ({ idle, interval, count }: KernelDefaults) => [idle / 1000, interval / 1000, count];
      expect(fake.kernel).toEqual(numbers(after));
      expect(fake.read('etc/sysctl.conf')).toContain(`tcp_keepalive_time = ${after.idle / 1000}\n`);
      // The change before the last is another of the six: none was made in the middle of another.
      const others = policies.map((policy) => policy.split(':').map(Number));
      expect(others).toContainEqual(numbers(before));
      undoKernelDefaults({ root });
      expect(fake.kernel).toEqual(numbers(before));
      const [time, interval, probes] = numbers(before);
      expect(fake.read('etc/sysctl.conf')).toBe(
        `net.ipv4.tcp_keepalive_time = ${time}\nnet.ipv4.tcp_keepalive_intvl = ${interval}\nnet.ipv4.tcp_keepalive_probes = ${probes}\n`,
      );
      expect(existsSync(fake.path(log))).toBe(false);
      rmSync(fake.path('var/lib/tcp-keepalive'), { recursive: true });
    }
  });
});
