import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { undoKernelDefaults } from '../../src/host/sysctl/undo-defaults.js';
import { finished } from '../cli/run-cli.js';
import { FakeRoot } from './fake-root.js';

const setOnce = fileURLToPath(new URL('./programs/set-once.mjs', import.meta.url));
const log = 'var/lib/tcp-keepalive/defaults-undo.json';
const policies = ['600:30:5', '700:20:4', '800:10:3', '900:9:9', '1000:8:8', '1100:7:7'];

describe('changes of the kernel defaults at once', () => {
  it('are made one after the other: each can be undone, and the last decides about file and kernel', async () => {
    for (let round = 0; round < 2; round += 1) {
      using fake = new FakeRoot({ 'etc/sysctl.conf': 'net.ipv4.tcp_keepalive_time = 7200\n' });
      const { root } = fake;
      const file = '/etc/sysctl.conf';
      const runs = policies.map((policy) => finished(spawn(process.execPath, [setOnce, root, policy, file])));
      for (const { code, stdout, stderr } of await Promise.all(runs)) {
        expect([code, stderr]).toEqual([0, '']);
        expect(JSON.parse(stdout).applied).toBe(true);
      }
      const { steps } = JSON.parse(readFileSync(fake.path(log), 'utf8'));
      expect(steps).toHaveLength(policies.length);
      for (const [index, step] of steps.slice(1).entries())
        expect(step.running.before).toEqual(steps[index].running.after);
      const { idle, interval, count } = steps.at(-1).running.after;
      expect(fake.kernel).toEqual([idle / 1000, interval / 1000, count]);
      expect(fake.read('etc/sysctl.conf')).toContain(`tcp_keepalive_time = ${idle / 1000}\n`);
      while (existsSync(fake.path(log))) undoKernelDefaults({ root });
      expect(fake.kernel).toEqual([7200, 75, 9]);
      expect(fake.read('etc/sysctl.conf')).toBe('net.ipv4.tcp_keepalive_time = 7200\n');
      rmSync(fake.path('var/lib/tcp-keepalive'), { recursive: true });
    }
  });
});
