import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernelDefaults } from '../../src/index.js';
import { cannotRun } from '../requirement.js';
import { type Finished, finished, program, runCli } from './run-cli.js';

const [setpriv = '', ...flags] =
  'setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all'.split(' ');
const canDrop =
  process.getuid?.() === 0 && spawnSync(setpriv, [...flags, process.execPath, program, '--version']).status === 0;

describe.concurrent('tcp-keepalive defaults', () => {
  it("shows this namespace's values as JSON", async () => {
    const { code, stdout } = await runCli('defaults', '--json');
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report).toMatchObject(kernelDefaults());
    expect(report).toMatchObject({ sources: expect.any(Array), namespaces: expect.any(Array) });
  });

  it.each([
    ['defaults', 'tcp-keepalive defaults set 600:30:5 --dry-run'],
    ['defaults set', 'tcp-keepalive defaults set --undo'],
  ])('%s --help ends with an example', async (command, example) => {
    const { code, stdout } = await runCli(...command.split(' '), '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Exit code: 0');
    expect(stdout).toContain(`$ ${example}`);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.skipIf(cannotRun(!canDrop, 'it needs root, setpriv and a project that everyone may read'))(
    'tells an unprivileged user that nothing was changed, and what to do',
    async () => {
      const { code, stdout, stderr } = await finished(
        spawn(setpriv, [...flags, process.execPath, program, 'defaults', 'set', '600:30:5', '--json']),
      );
      expect([code, stderr]).toEqual([1, 'tcp-keepalive: nothing was changed: not permitted; run it as root\n']);
      const { applied, incomplete } = JSON.parse(stdout);
      expect(applied).toBe(false);
      expect(incomplete).toContainEqual({
        what: 'writing /proc/sys/net/ipv4/tcp_keepalive_time',
        why: 'not permitted; run it as root',
      });
    },
  );

  it.each([
    [['set'], 'missing argument'],
    [['set', '600'], 'idle:interval:count'],
    [['set', '600:30:5:auto'], 'the kernel has no default for it'],
    [['set', '0:30:5'], 'from 1 s to 32767 s'],
    [['set', '600:30:5', '--undo'], '--undo'],
    [['set', '600:30:5', '--runtime-only', '--file', '/tmp/x'], '--runtime-only writes no file'],
    [['set', '600:30:5', '--file', '/proc/none/x.conf'], 'the directory /proc/none is missing'],
    [['unknown'], "unknown command 'unknown'; known is set"],
    [['--unknown'], 'unknown option'],
  ])('refuses %j', async (args, reason) => {
    const { code, stdout, stderr } = await runCli('defaults', ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
  });
});

/**
 * The mount and network namespace of a shell that waits: /etc, /run and /var/lib in it are the test's own, and so are
 * the sysctls.
 */
class OwnMachine {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'own-machine-'));
  readonly #keeper;

  constructor() {
    mkdirSync(path.join(this.directory, 'sysctl.d'));
    const script = [
      ...[`cp /etc/passwd /etc/group ${this.directory}/`, `mount --bind ${this.directory} /etc`],
      ...['mount -t tmpfs none /run', 'mkdir /run/sysctl.d', 'mount -t tmpfs none /var/lib', 'echo ready', 'read line'],
    ].join(' && ');
    this.#keeper = spawn('unshare', ['--net', '--mount', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  async ready(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#keeper.once('error', reject).once('exit', () => reject(new Error('no namespace')));
      this.#keeper.stdout.once('data', () => resolve());
    });
    return this;
  }

  #inside(...command: string[]): string[] {
    return ['--target', String(this.#keeper.pid), '--net', '--mount', ...command];
  }

  /** Runs the program's verb in it. */
  run(...args: string[]): Promise<Finished> {
    // The certificates that this may name are not on this machine.
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    return finished(spawn('nsenter', this.#inside(process.execPath, program, 'defaults', ...args), { env }));
  }

  get kernel(): string {
    const files = ['time', 'intvl', 'probes'].map((name) => `/proc/sys/net/ipv4/tcp_keepalive_${name}`);
    return spawnSync('nsenter', this.#inside('cat', ...files), { encoding: 'utf8' })
      .stdout.trim()
      .replaceAll('\n', ' ');
  }

  get netns(): number {
    const { stdout } = spawnSync('nsenter', this.#inside('stat', '-Lc', '%i', '/proc/self/ns/net'), {
      encoding: 'utf8',
    });
    return Number(stdout);
  }

  write(file: string, text: string): void {
    writeFileSync(path.join(this.directory, file), text);
  }

  read(file: string): string {
    return readFileSync(path.join(this.directory, file), 'utf8');
  }

  close(): void {
    this.#keeper.removeAllListeners('exit');
    this.#keeper.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const noRoot = cannotRun(process.getuid?.() !== 0, 'it needs root');

describe.skipIf(noRoot)('tcp-keepalive defaults on a machine of its own', () => {
  let machine: OwnMachine;
  beforeAll(async () => {
    machine = await new OwnMachine().ready();
  });
  afterAll(() => machine.close());

  it('sets, shows and takes back the values of the kernel', async () => {
    expect(machine.kernel).toBe('7200 75 9');
    const fresh = await machine.run();
    expect(fresh.stdout).toContain('2 h 11 min to notice a dead peer, for the programs that turn keepalive on');
    expect(fresh.stdout).toContain("7200 s  the kernel's own; no file sets it");

    const dry = await machine.run('set', '600:30:5', '--dry-run');
    expect([dry.code, machine.kernel, readdirSync(`${machine.directory}/sysctl.d`)]).toEqual([0, '7200 75 9', []]);
    expect(dry.stdout).toContain('/etc/sysctl.d/60-tcp-keepalive.conf: would be created');

    const set = await machine.run('set', '600:30:5');
    expect([set.code, set.stderr, machine.kernel]).toEqual([0, '', '600 30 5']);
    expect(set.stdout).toMatch(/net\.ipv4\.tcp_keepalive_time +7200 s +600 s\n/);
    expect(set.stdout).toContain('12 min 30 s to notice a dead peer');
    expect(set.stdout).toContain('This turns keepalive on for no program.');

    const shown = await machine.run();
    expect(shown.stdout).toContain('/etc/sysctl.d/60-tcp-keepalive.conf:3');
    const json = await machine.run('--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ idle: 600_000, interval: 30_000, count: 5 });
    expect(JSON.parse(json.stdout).sources[0]).toEqual({
      ...{ key: 'net.ipv4.tcp_keepalive_time', file: '/etc/sysctl.d/60-tcp-keepalive.conf', line: 3, value: '600' },
    });

    const undo = await machine.run('set', '--undo');
    expect([undo.code, machine.kernel]).toEqual([0, '7200 75 9']);
    expect(readdirSync(`${machine.directory}/sysctl.d`)).toEqual([]);
    const again = await machine.run('set', '--undo');
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toContain('nothing to undo');
  });

  it('changes /etc/sysctl.conf in place, and warns of a file that decides otherwise', async () => {
    machine.write('sysctl.conf', '# mine\nkernel.panic = 10\nnet/ipv4/tcp_keepalive_time=7200 # default\n');
    const set = await machine.run('set', '700:20:4', '--file', '/etc/sysctl.conf', '--json');
    const { file, before, after } = JSON.parse(set.stdout);
    expect(file).toEqual({ path: '/etc/sysctl.conf', action: 'changed' });
    expect([before.idle, after.idle]).toEqual([7_200_000, 700_000]);
    expect(machine.read('sysctl.conf')).toBe(
      '# mine\nkernel.panic = 10\nnet/ipv4/tcp_keepalive_time=700 # default\nnet.ipv4.tcp_keepalive_intvl = 20\nnet.ipv4.tcp_keepalive_probes = 4\n',
    );
    machine.write('sysctl.d/99-zz.conf', 'net.ipv4.tcp_keepalive_time = 5\n');
    machine.write('sysctl.conf', '');
    const overridden = await machine.run('set', '600:30:5');
    expect([overridden.code, machine.kernel]).toEqual([2, '600 30 5']);
    expect(overridden.stderr).toBe(
      'tcp-keepalive: when the machine starts, /etc/sysctl.d/99-zz.conf:1 decides about net.ipv4.tcp_keepalive_time and sets 5\n',
    );
    const { stdout } = await machine.run();
    expect(stdout).toMatch(/tcp_keepalive_time +600 s +at run time; the file says 5\n/);
  });

  it('fits 80 columns with long names, and lets no control character through', async () => {
    machine.write(`sysctl.d/a-${'long-'.repeat(20)}name\u001b[31m.conf`, 'net.ipv4.tcp_keepalive_time = 5\u001b[31m\n');
    const { stdout } = await machine.run();
    const table = stdout.slice(0, stdout.indexOf('\n\n'));
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('\\x1b[31m');
  });

  it('shows the other network namespaces, each with its values', async () => {
    const { kernel, netns } = machine;
    const [idle, interval, count] = kernel.split(' ').map(Number) as [number, number, number];
    const { stdout } = await runCli('defaults', '--json');
    const found = JSON.parse(stdout).namespaces.filter((namespace: { netns: number }) => namespace.netns === netns);
    expect(found).toEqual([
      {
        ...{ netns, name: null, process: { pid: expect.any(Number), name: 'sh' } },
        ...{ idle: idle * 1000, interval: interval * 1000, count },
      },
    ]);
    expect((await runCli('defaults')).stdout).toMatch(new RegExp(`^${netns} +\\d+ sh +${idle} s +${interval} s`, 'm'));
    expect(JSON.parse((await machine.run('--json')).stdout).namespaces).not.toContainEqual(
      expect.objectContaining({ netns }),
    );
  });
});
