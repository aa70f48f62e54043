import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import koffi from 'koffi';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cgroups, findCgroupMount } from '../../src/host/owners/cgroups.js';
import { cannotRun } from '../requirement.js';

const library = koffi.load(null);
const nameToHandle = library.func('int name_to_handle_at(int, const char *, void *, void *, int)');

/** The kernel's own id of a cgroup, which is what its file handle consists of (fs/kernfs/mount.c). */
function cgroupId(directory: string): bigint {
  const handle = new DataView(new ArrayBuffer(16));
  handle.setUint32(0, 8, true);
  const result = nameToHandle(-100, directory, handle, new Int32Array(1), 0);
  if (result !== 0) throw new Error(`name_to_handle_at: errno ${koffi.errno()}`);
  return handle.getBigUint64(8, true);
}

/** A process that sleeps in a cgroup until the test is over. */
async function sleeperIn(directory: string): Promise<ChildProcess> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  writeFileSync(`${directory}/cgroup.procs`, String(child.pid));
  return child;
}

const mount = findCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
const isWritable = process.getuid?.() === 0 && mount !== undefined && mount.root === '/';

describe('Cgroups', () => {
  it.skipIf(cannotRun(!isWritable, 'making cgroups needs root and a mount of cgroup version 2'))(
    'finds a cgroup by the id that the kernel has for it, and what is below it',
    async () => {
      const name = `/tcp-keepalive-test-${process.pid}.slice`;
      const unit = `${name}/web.service`;
      const { directory } = mount as { directory: string };
      mkdirSync(directory + name);
      mkdirSync(directory + unit);
      const sleeper = await sleeperIn(directory + unit);
      onTestFinished(async () => {
        const ended = once(sleeper, 'exit');
        sleeper.kill('SIGKILL');
        await ended;
        rmdirSync(directory + unit);
        rmdirSync(directory + name);
      });

      const cgroups = new Cgroups();
      const [outer, inner] = [cgroupId(directory + name), cgroupId(directory + unit)];
      expect(cgroups.pathOf(inner)).toBe(unit);
      expect(cgroups.idsBelow(name)).toEqual([outer, inner]);
      expect(cgroups.idsBelow(name.slice(0, -1))).toEqual([]);
      expect(cgroups.idsBelow('/')).toEqual(expect.arrayContaining([cgroupId(directory), outer, inner]));
      expect(cgroups.placeOfProcess(sleeper.pid as number)).toMatchObject({ path: unit, unit: 'web.service' });
      expect(cgroups.placeOfSocket(outer, undefined)).toMatchObject({ path: name, unit: name.slice(1) });
      expect(cgroups.placeOfSocket(outer, sleeper.pid)).toMatchObject({ path: name, unit: 'web.service' });
      expect(cgroups.placeOfSocket(undefined, sleeper.pid)).toMatchObject({ path: unit });
    },
  );

  it('knows nothing of an id that there is not, nor of a process that is gone', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const cgroups = new Cgroups();
    expect(cgroups.pathOf(0xffff_ffff_ffff_ffffn)).toBeUndefined();
    const nowhere = { path: null, unit: null, container: null };
    expect(cgroups.placeOfSocket(0xffff_ffff_ffff_ffffn, child.pid)).toEqual(nowhere);
    expect(cgroups.placeOfSocket(undefined, child.pid)).toEqual(nowhere);
  });

  it('names what it sees of a part of the hierarchy from the root', () => {
    const directory = mkdtempSync(`${tmpdir()}/cgroups-`);
    onTestFinished(() => rmSync(directory, { recursive: true }));
    mkdirSync(`${directory}/inner`);
    const cgroups = new Cgroups({ directory, root: '/docker/1' });
    expect(cgroups.idsBelow('/docker/1')).toHaveLength(2);
    expect(cgroups.idsBelow('/docker/1/inner')).toHaveLength(1);
  });

  it('has no paths where version 2 is not mounted', () => {
    const cgroups = new Cgroups({ directory: '/nowhere', root: '/' });
    expect(cgroups.pathOf(1n)).toBeUndefined();
    expect(cgroups.idsBelow('/')).toEqual([]);
    expect(cgroups.placeOfSocket(1n, process.pid)).toEqual(cgroups.placeOfProcess(process.pid));
  });
});

describe('findCgroupMount', () => {
  it.each([
    [
      'version 2 alone',
      '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate',
      { directory: '/sys/fs/cgroup', root: '/' },
    ],
    [
      'both versions',
      '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      { directory: '/sys/fs/cgroup/unified', root: '/' },
    ],
    [
      'a path with a space, in a container',
      '41 31 0:38 /docker/1 /mnt/my\\040cgroups rw - cgroup2 none rw',
      { directory: '/mnt/my cgroups', root: '/docker/1' },
    ],
    ['version 1 alone', '33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu', undefined],
    ['nothing', '', undefined],
  ])('%s', (_, mountinfo, expected) => {
    expect(findCgroupMount(mountinfo)).toEqual(expected);
  });
});
