import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PathMeasurement } from '../../src/index.js';
import { finished, program } from '../cli/run-cli.js';
import { asUser } from '../drivers/servers/as-user.js';
import { postgresqlPrograms } from '../drivers/servers/postgresql.js';
import { end } from '../drivers/servers/server-program.js';
import { cannotRun } from '../requirement.js';
import { inside } from './namespace.js';
import { type Expiry, NatNetwork, serverAddress } from './nat-network.js';
import { canRoute } from './routed-network.js';

// Every measurement waits, so all run side by side.
vi.setConfig({ maxConcurrency: 40, testTimeout: 180_000, hookTimeout: 120_000 });

/** How long each router keeps a connection, in seconds. */
const timeouts = [4, 6, 9, 13, 18, 5, 5] as const;
/** The routers of the path that changes, and of the one that makes an entry for any packet from inside. */
const [changing, loose] = [5, 6] as const;

const has = (command: string, ...args: string[]) => spawnSync(command, args).error === undefined;
const noRouter = cannotRun(!canRoute(), 'a router needs root, util-linux, iproute2 and nftables');
const lacks = {
  node: false,
  nginx: cannotRun(!has('nginx', '-v'), 'nginx is not installed (scripts/install-test-servers)'),
  postgresql: cannotRun(
    postgresqlPrograms() === undefined,
    'PostgreSQL is not installed (scripts/install-test-servers)',
  ),
  nc: cannotRun(!has('nc', '-h'), 'nc is not installed (netcat-openbsd)'),
};
type Server = keyof typeof lacks;

const ports: Readonly<Record<Server, number>> = { node: 7000, nginx: 7001, postgresql: 7002, nc: 7003 };
const servePort = 7350;

let network: NatNetwork;
let folder: string;
const children: ChildProcess[] = [];

/** Starts a program in the namespace of the server. */
function start(...command: string[]): void {
  const [first = '', ...args] = [...inside(network.server), ...command];
  const child = spawn(first, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.on('data', () => {});
  children.push(child);
}

function startNginx(): void {
  const config = path.join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http { access_log off; client_header_timeout 1h; server { listen ${ports.nginx}; return 204; } }
`,
  );
  start('nginx', '-c', config, '-p', folder);
}

function startPostgresql(): void {
  const data = path.join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const user = asUser('postgres', data);
  const [make = '', ...made] = [
    ...user,
    path.join(postgresqlPrograms() ?? '', 'initdb'),
    '-D',
    data,
    '-U',
    'postgres',
    '-N',
  ];
  const { status, stderr } = spawnSync(make, made, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`initdb: ${stderr}`);
  const settings = ['listen_addresses=*', 'authentication_timeout=10min', 'max_connections=200'];
  const options = ['-p', String(ports.postgresql), '-k', data, ...settings.flatMap((setting) => ['-c', setting])];
  start(...user, path.join(postgresqlPrograms() ?? '', 'postgres'), '-D', data, ...options);
}

/** Node.js as people run it: an HTTP server, without its limits for idle clients. */
const nodeServer = `require('node:http').createServer({ headersTimeout: 0, requestTimeout: 0 }).listen(${ports.node})`;

/** Measures the path to its argument, and says on standard error when the first connection is lost. */
const measuring = `
import { measurePath } from '${new URL('../../dist/index.js', import.meta.url)}';
let isLost = false;
const onProgress = ({ known }) => {
  if (!isLost && known.lostMs !== null) console.error('lost');
  isLost ||= known.lostMs !== null;
};
console.log(JSON.stringify(await measurePath({ ...JSON.parse(process.argv[1]), onProgress })));
`;

async function untilListening(port: number): Promise<void> {
  const [command = '', ...args] = [...inside(network.server), 'sh', '-c', `ss -Hltn 'sport = :${port}' | grep -q .`];
  await vi.waitFor(() => expect(spawnSync(command, args).status).toBe(0), { timeout: 60_000, interval: 200 });
}

beforeAll(async () => {
  if (noRouter) return;
  folder = mkdtempSync(path.join(tmpdir(), 'nat-'));
  chmodSync(folder, 0o755);
  network = await NatNetwork.make(timeouts);
  await network.pickUp(loose);
  start(process.execPath, '-e', nodeServer);
  start(process.execPath, program, 'nat', 'serve', '--port', String(servePort));
  if (!lacks.nginx) startNginx();
  if (!lacks.postgresql) startPostgresql();
  if (!lacks.nc) start('nc', '-lk', String(ports.nc));
  const names = (Object.keys(ports) as Server[]).filter((name) => !lacks[name]);
  for (const port of [...names.map((name) => ports[name]), servePort]) await untilListening(port);
});

afterAll(async () => {
  for (const child of children) await end(child);
  await network?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

interface Measured {
  readonly code: number | null;
  readonly stderr: string;
  readonly result: PathMeasurement;
  readonly tookMs: number;
}

/** Runs `tcp-keepalive nat` in the namespace of the client. */
async function nat(router: number, expiry: Expiry, port: number, ...options: string[]): Promise<Measured> {
  const target = `${serverAddress(router, expiry)}:${port}`;
  const range = ['--min', '2s', '--max', '24s', '--json'];
  const [command = '', ...args] = [
    ...inside(network.client),
    process.execPath,
    program,
    'nat',
    target,
    ...range,
    ...options,
  ];
  const startedAt = performance.now();
  const { code, stdout, stderr } = await finished(spawn(command, args));
  if (stdout === '') throw new Error(`nat ${target} ended with ${code}: ${stderr}`);
  return { code, stderr, result: JSON.parse(stdout), tookMs: performance.now() - startedAt };
}

const rows: string[] = [];

/** Expects a measurement to be within 10 % or 2 s of what the router was told. */
function expectMeasured(what: string, router: number, how: string, { code, stderr, result, tookMs }: Measured): void {
  const configured = timeouts[router] as number;
  const shown = [result.aliveMs, result.lostMs ?? Number.NaN, tookMs].map((ms) => (ms / 1000).toFixed(2).padStart(7));
  rows.push(
    `${what.padEnd(28)} ${String(configured).padStart(4)} s  alive${shown[0]}  lost${shown[1]}  in${shown[2]}  ${result.how}`,
  );
  const toleranceMs = Math.max(2000, configured * 100);
  expect(result, JSON.stringify(result)).toMatchObject({ how, disagreements: [], incomplete: [] });
  expect(Math.abs(result.aliveMs - configured * 1000)).toBeLessThanOrEqual(toleranceMs);
  expect(Math.abs((result.lostMs ?? 0) - configured * 1000)).toBeLessThanOrEqual(toleranceMs);
  expect(result.aliveMs).toBeLessThan(result.lostMs ?? 0);
  expect(result.recommendedIdle).toBeLessThan(configured * 1000);
  expect([code, stderr]).toEqual([0, '']);
}

describe.skipIf(noRouter).concurrent('how long a router keeps a connection is measured', () => {
  for (const expiry of ['silent', 'reset'] as const) {
    for (const router of timeouts.slice(0, changing).keys()) {
      it(`with Node.js, ${timeouts[router]} s, ${expiry}`, async () => {
        const measured = await nat(router, expiry, ports.node);
        expectMeasured(`Node.js, ${expiry}`, router, expiry, measured);
      });
    }
    it.skipIf(lacks.nginx)(`with nginx, ${expiry}`, async () => {
      expectMeasured(`nginx, ${expiry}`, 2, expiry, await nat(2, expiry, ports.nginx));
    });
    it.skipIf(lacks.postgresql)(`with PostgreSQL, ${expiry}`, async () => {
      expectMeasured(`PostgreSQL, ${expiry}`, 3, expiry, await nat(3, expiry, ports.postgresql));
    });
  }

  it.skipIf(lacks.nc)('with `nc -lk`, which takes one client at a time and keeps two waiting', async () => {
    expectMeasured('nc -lk, silent', 0, 'silent', await nat(0, 'silent', ports.nc, '--connections', '3'));
  });

  it('with eight connections for a server that is shy', async () => {
    const measured = await nat(1, 'silent', ports.node, '--connections', '8');
    expectMeasured('Node.js, 8 connections', 1, 'silent', measured);
    expect(measured.result.connections).toBeLessThanOrEqual(8);
  });

  it("with the server's end speaking first", async () => {
    const measured = await nat(2, 'silent', servePort, '--from-server');
    expectMeasured('from the server, silent', 2, 'silent', measured);
  });

  it('in each direction, which can differ: many routers make an entry for a packet from inside', async () => {
    const [fromClient, fromServer] = await Promise.all([
      nat(loose, 'silent', servePort, '--max', '10s'),
      nat(loose, 'silent', servePort, '--max', '10s', '--from-server'),
    ]);
    expect(fromClient.result).toMatchObject({ how: 'survived', disagreements: [], incomplete: [] });
    expectMeasured('from the server, loose', loose, 'silent', fromServer);
  });

  it('and a path that changes meanwhile is reported, not averaged', async () => {
    const target = { host: serverAddress(changing, 'silent'), port: ports.node, min: '2s', max: '10s' };
    const [command = '', ...args] = [
      ...inside(network.client),
      process.execPath,
      '--input-type=module',
      '-e',
      measuring,
    ];
    const child = spawn(command, [...args, JSON.stringify(target)]);
    // In the first pass a connection is lost after 5 s; in the second, none is.
    child.stderr.once('data', () => void network.setTimeout(changing, 60));
    const { stdout } = await finished(child);
    const { lostMs, how, disagreements }: PathMeasurement = JSON.parse(stdout);
    expect([how, Math.round((lostMs ?? 0) / 1000)]).toEqual(['silent', 5]);
    expect(disagreements).toMatchObject([{ outcome: 'alive', pass: 2 }]);
    expect(disagreements[0]?.restMs).toBeGreaterThanOrEqual(lostMs ?? 0);
  });
});

it.skipIf(noRouter)('prints what was configured and what was measured', () => {
  console.log(rows.sort().join('\n'));
});
