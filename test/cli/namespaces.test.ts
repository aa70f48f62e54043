import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { getKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';
import { type Held, type Holder, startHolder } from '../host/options-holding.js';
import { moment } from '../kernel/observation.js';
import { ownNetwork } from '../program.js';
import { cannotRun } from '../requirement.js';
import { runCli } from './run-cli.js';

const network = ownNetwork();
const missing = process.getuid?.() !== 0 || network === undefined;

describe.skipIf(cannotRun(missing, 'it needs root and unshare --net'))(
  'connections in another network namespace',
  () => {
    let holder: Holder;
    let inode: number;
    const name = `tcp-keepalive-${process.pid}`;

    beforeAll(async () => {
      holder = startHolder(network);
      await holder.tell({ do: 'start', families: ['IPv4'], connections: 3 });
      inode = statSync(`/proc/${holder.pid}/ns/net`).ino;
      expect(spawnSync('ip', ['netns', 'attach', name, `${holder.pid}`]).status).toBe(0);
    });
    afterAll(async () => {
      spawnSync('ip', ['netns', 'delete', name]);
      await holder?.end();
    });

    const held = async (socket: string) => (await holder.tell({ do: 'look' })).get(socket) as Held;

    /** The filters that mean one connection there, and the namespaces to look in. */
    const only = async (socket: string, ...where: string[]) => {
      const { remotePort } = await held(socket);
      return ['--pid', `${holder.pid}`, '--port', `remote:${remotePort}`, ...where];
    };

    async function run(...args: string[]) {
      const { code, stdout } = await runCli(...args, '--json');
      return { code, json: JSON.parse(stdout) };
    }

    it('are not shown, changed or asked unless they are asked for', async () => {
      const filters = await only('IPv4 1 server');
      const before = (await held('IPv4 1 server')).state;
      expect((await run('ls', ...filters)).json.connections).toEqual([]);
      expect(await run('set', '30:5:3', ...filters)).toMatchObject({ code: 1, json: { changed: [], failed: [] } });
      expect(await run('check', ...filters)).toMatchObject({ code: 1, json: { peers: [] } });
      expect((await held('IPv4 1 server')).state).toEqual(before);
    });

    it('are found by name, by inode and with --all-netns, with owner and options', async () => {
      await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle: 30_000 } });
      for (const where of [['--netns', name], ['--netns', `${inode}`], ['--all-netns']]) {
        const { code, json } = await run('ls', ...(await only('IPv4 1 server', ...where)));
        const connections: ConnectionJson[] = json.connections;
        expect(connections, where.join(' ')).toMatchObject([
          { netns: inode, process: { pid: holder.pid }, keepAlive: { enabled: true, idle: 30_000 }, verdict: 'slow' },
        ]);
        expect(code).toBe(0);
      }
    });

    it('--netns shows those of that namespace only, and --all-netns also those of this one', async () => {
      using pair = await loopbackPair();
      const here = ['--pid', `${process.pid},${holder.pid}`];
      const portsOf = ({ json }: { json: { connections: ConnectionJson[] } }) =>
        json.connections.map(({ local }) => local.port);
      const there = await run('ls', ...here, '--netns', name);
      expect(new Set(there.json.connections.map(({ netns }: ConnectionJson) => netns))).toEqual(new Set([inode]));
      expect(portsOf(await run('ls', ...here, '--all-netns'))).toEqual(
        expect.arrayContaining([pair.server.localPort, (await held('IPv4 listener')).localPort]),
      );
    });

    it.each([['--netns', name], ['--all-netns']])('are set and put back with %s', async (...where) => {
      using pair = await loopbackPair();
      const mine = getKeepAlive(pair.server);
      const before = [await held('IPv4 2 server'), await held('IPv4 3 server')].map(({ state }) => state);
      const { code, json } = await run('set', '33:5:3', ...(await only('IPv4 2 server', ...where)));
      expect(json).toMatchObject({
        changed: [{ netns: inode, before: before[0], after: { idle: 33_000 } }],
        failed: [],
      });
      expect(code).toBe(0);
      expect((await held('IPv4 2 server')).state).toEqual({
        ...before[0],
        enabled: true,
        idle: 33_000,
        interval: 5000,
        count: 3,
      });
      expect((await held('IPv4 3 server')).state).toEqual(before[1]);
      expect(getKeepAlive(pair.server)).toEqual(mine);
      const back = await run('set', '30:5:3', ...(await only('IPv4 2 server', ...where)), '--dry-run');
      expect(back.json.changed).toMatchObject([{ before: { idle: 33_000 } }]);
      await run('set', '--off', ...(await only('IPv4 2 server', ...where)));
      expect((await held('IPv4 2 server')).state.enabled).toBe(false);
      await holder.tell({ do: 'set', name: 'IPv4 2 server', policy: { idle: 7_200_000, interval: 75_000, count: 9 } });
    });

    it('are asked, and closed where the peer is silent', async () => {
      await holder.tell({ do: 'crash', name: 'IPv4 3 client' });
      const { state } = await held('IPv4 2 server');
      const until = performance.now() + 1200;
      await moment(() => performance.now() > until, 'some quiet');
      const alive = await run('check', ...(await only('IPv4 2 server', '--all-netns')));
      expect(alive).toMatchObject({ code: 0, json: { peers: [{ answer: 'alive' }] } });
      expect((await held('IPv4 2 server')).state).toEqual(state);
      const only3 = await only('IPv4 3 server', '--netns', name);
      // Keepalive is off, so that the connection's own kernel cannot confirm it.
      const unconfirmed = await run('check', '--reap', '--yes', ...only3);
      expect(unconfirmed).toMatchObject({ code: 2, json: { peers: [{ answer: 'silent', reaped: 'unconfirmed' }] } });
      const silent = await run('check', '--reap', '--unconfirmed', '--yes', ...only3);
      expect(silent).toMatchObject({ code: 0, json: { peers: [{ answer: 'silent', reaped: 'destroyed' }] } });
      const sockets = await holder.tell({ do: 'look' });
      expect(sockets.get('IPv4 3 server')?.ended).toBe('ECONNABORTED');
      expect(sockets.get('IPv4 2 server')?.ended).toBeUndefined();
    });
  },
);

it.skipIf(cannotRun(missing, 'it needs root and unshare --net'))(
  'set system gives a connection the defaults of its own network namespace, and auto is made of them',
  async () => {
    const sysctls =
      'cd /proc/sys/net/ipv4; echo 1234 > tcp_keepalive_time; echo 56 > tcp_keepalive_intvl; echo 7 > tcp_keepalive_probes';
    const there = startHolder([...(network ?? []), 'sh', '-c', `(${sysctls}); exec "$@"`, 'sh']);
    try {
      await there.tell({ do: 'start', families: ['IPv4'], connections: 1 });
      const look = async () => (await there.tell({ do: 'look' })).get('IPv4 1 server') as Held;
      const { remotePort } = await look();
      await there.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle: 30_000, interval: 5000, count: 3 } });
      const filters = ['--netns', `${statSync(`/proc/${there.pid}/ns/net`).ino}`, '--port', `remote:${remotePort}`];
      const { code, stderr } = await runCli(
        'set',
        'system',
        '--user-timeout',
        'auto',
        ...filters,
        '--option-source',
        'descriptor-copies',
      );
      expect(code, stderr).toBe(0);
      const numbers = { idle: 1_234_000, interval: 56_000, count: 7, userTimeout: 1_234_000 + 7 * 56_000 };
      expect((await look()).state).toEqual({ enabled: true, ...numbers });
    } finally {
      await there.end();
    }
  },
);
