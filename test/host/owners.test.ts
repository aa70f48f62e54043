import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs';
import net from 'node:net';
import koffi from 'koffi';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  findOwners,
  type OwnersByInode,
  ownersByIterator,
  ownersByLinks,
  type SocketOwner,
  type SocketOwners,
} from '../../src/host/owners/owners.js';
import { hostProcess, runningPids } from '../../src/host/owners/processes.js';
import { connected, listening, portOf } from '../endpoints.js';
import { closeDescriptor, fdOf, rawListener } from '../kernel/descriptor.js';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';

const keysOf = (byInode: OwnersByInode) => Array.from(byInode, ([inode]) => inode).sort((a, b) => a - b);

/**
 * The owners that a test knows of. Others may have a socket for a moment: a child before it runs its program, or a
 * program that lists this machine's connections and copies its descriptor.
 */
function among<Owner extends { readonly pid: number }>(
  pids: readonly number[],
  owners: readonly Owner[] = [],
): Owner[] {
  return owners.filter(({ pid }) => pids.includes(pid));
}

const own = (owners: readonly SocketOwner[] | undefined) => among([process.pid], owners);

const inodeOf = (endpoint: net.Socket | net.Server) => fstatSync(fdOf(endpoint)).ino;

/** A program that has a descriptor of ours open as its descriptor 3, until the test is over. */
async function sharing(fd: number): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  await once(child, 'spawn');
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  return child as ChildProcess & { readonly pid: number };
}

describe('findOwners', () => {
  it('finds the socket with the highest descriptor, also while looking takes a free number below it', async () => {
    const free = openSync('/dev/null', 'r');
    const highest = Math.max(...readdirSync('/proc/self/fd').map(Number));
    const others = [free];
    while ((others.at(-1) as number) <= highest) others.push(openSync('/dev/null', 'r'));
    onTestFinished(() => others.slice(1).forEach(closeSync));
    const server = await listening(net.createServer());
    closeSync(free);
    expect(fdOf(server)).toBeGreaterThan(highest);
    const { byInode } = ownersByLinks({ inodes: new Set([inodeOf(server)]) }, [process.pid]);
    expect(own(byInode.get(inodeOf(server)))).toMatchObject([{ fd: fdOf(server) }]);
  });

  it('finds the process and the descriptor of each socket asked for, and of no other', async () => {
    const server = await listening(net.createServer());
    const [client, accepted] = await connected(server);
    const wanted = [server, client];
    const { byInode } = findOwners({ inodes: new Set(wanted.map(inodeOf)) });
    expect(keysOf(byInode)).toEqual(wanted.map(inodeOf).sort((a, b) => a - b));
    for (const endpoint of wanted) {
      expect(own(byInode.get(inodeOf(endpoint)))).toEqual([{ ...hostProcess(process.pid), fd: fdOf(endpoint) }]);
    }
    expect(own(findOwners().byInode.get(inodeOf(accepted)))).toHaveLength(1);
  });

  it('lists every process that shares a socket, the lowest pid first', async () => {
    const server = await listening(net.createServer());
    const first = await sharing(fdOf(server));
    const second = await sharing(fdOf(server));
    const pids = [process.pid, first.pid, second.pid].sort((a, b) => a - b);
    const { byInode } = findOwners({ inodes: new Set([inodeOf(server)]) });
    const owners = among(pids, byInode.get(inodeOf(server)));
    expect(owners.map(({ pid }) => pid)).toEqual(pids);
    expect(owners.find(({ pid }) => pid === second.pid)).toEqual({
      pid: second.pid,
      name: 'sleep',
      command: 'sleep 60',
      fd: 3,
    });
  });

  it('looks at the processes named alone', async () => {
    const server = await listening(net.createServer());
    const { pid } = await sharing(fdOf(server));
    const { byInode } = findOwners({ pids: [pid, pid] });
    expect([...byInode]).toEqual([[inodeOf(server), [{ pid, name: 'sleep', command: 'sleep 60', fd: 3 }]]]);
  });

  it('finds a socket among descriptors that are far apart', () => {
    const library = koffi.load(null);
    const dup2 = library.func('int dup2(int, int)');
    using listener = rawListener(1);
    expect(dup2(listener.fd, 1900)).toBe(1900);
    onTestFinished(() => closeDescriptor(1900));
    const other = rawListener(1);
    expect(dup2(other.fd, 1000)).toBe(1000);
    onTestFinished(() => closeDescriptor(1000));
    const { ino } = fstatSync(1000);
    other[Symbol.dispose]();
    const { byInode } = findOwners({ pids: [process.pid] });
    expect(byInode.get(ino)).toMatchObject([{ fd: 1000 }]);
    // Open twice in one process, it has one owner, by its lowest descriptor.
    expect(byInode.get(fstatSync(listener.fd).ino)).toMatchObject([{ fd: listener.fd }]);
  });

  it('says nothing of a process that has exited', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(findOwners({ pids: [child.pid as number] })).toEqual({ byInode: new Map(), incomplete: [] });
  });

  it('survives processes that come and go while it looks', async () => {
    const churn = spawn('sh', ['-c', 'while :; do true | true; done'], { stdio: 'ignore' });
    onTestFinished(async () => {
      const ended = once(churn, 'exit');
      churn.kill('SIGKILL');
      await ended;
    });
    const server = await listening(net.createServer());
    for (let turn = 0; turn < 20; turn += 1) {
      expect(own(findOwners().byInode.get(inodeOf(server)))).toHaveLength(1);
    }
  });

  it.skipIf(cannotRun(process.getuid?.() !== 0, 'running as another user needs root'))(
    'says what it may not see, and what that needs, unless it found all that it was asked for',
    async () => {
      const seen = await runProgram<{
        fd: number;
        pid: number;
        own: { owners: SocketOwner[]; incomplete: unknown[] };
        incomplete: unknown[];
      }>(new URL('./unprivileged-owners.ts', import.meta.url));
      expect(seen.own).toEqual({
        owners: [expect.objectContaining({ pid: seen.pid, name: expect.any(String), fd: seen.fd })],
        incomplete: [],
      });
      // Other tests may run programs as the same user, which are protected in ways of their own.
      expect(seen.incomplete).toContainEqual({
        what: expect.stringMatching(/^the owners of the sockets of \d+ processes of other users$/),
        why: 'to read their descriptors, it needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH',
      });
    },
  );

  it.skipIf(cannotRun(spawnSync('ss', ['-V']).status !== 0, 'it needs ss'))('agrees with ss', async () => {
    const server = await listening(net.createServer());
    const shared = await sharing(fdOf(server));
    for (let turn = 0; turn < 20; turn += 1) await connected(server);
    const port = portOf(server);
    const ends = `src 127.0.0.1 and ( sport = :${port} or ( dst 127.0.0.1 and dport = :${port} ) )`;
    const listed = execFileSync('ss', ['-Htnpe', 'state', 'established', 'state', 'listening', ends], {
      encoding: 'utf8',
    });
    const { byInode } = findOwners();
    const lines = listed.trim().split('\n');
    expect(lines).toHaveLength(41);
    for (const line of lines) {
      const owners = [...line.matchAll(/\("([^"]*)",pid=(\d+),fd=(\d+)\)/g)].map(([, name, pid, fd]) => ({
        name,
        pid: Number(pid),
        fd: Number(fd),
      }));
      const inode = Number(/ino:(\d+)/.exec(line)?.[1]);
      const pids = [process.pid, shared.pid];
      const found = among(pids, byInode.get(inode)).map(({ name, pid, fd }) => ({ name, pid, fd }));
      expect(found).toEqual(among(pids, owners).sort((a, b) => a.pid - b.pid));
    }
    expect(byInode.get(inodeOf(server))).toContainEqual({ pid: shared.pid, name: 'sleep', command: 'sleep 60', fd: 3 });
  });
});

const everySocket = ownersByIterator({});

describe.skipIf(cannotRun(everySocket === undefined, 'the iterator of open files needs CAP_BPF and CAP_PERFMON'))(
  'ownersByIterator',
  () => {
    it('gives the owners that the links in /proc give', async () => {
      const server = await listening(net.createServer());
      const pids = [process.pid, (await sharing(fdOf(server))).pid];
      const client = (await connected(server))[0];
      const inodes = new Set([server, client].map(inodeOf));
      const byIterator = ownersByIterator({ inodes }) as SocketOwners;
      const byLinks = ownersByLinks({ inodes }, runningPids());
      for (const inode of inodes) {
        expect(among(pids, byIterator.byInode.get(inode))).toEqual(among(pids, byLinks.byInode.get(inode)));
      }
      expect(byIterator.byInode.size).toBe(byLinks.byInode.size);
      expect(byIterator.incomplete).toEqual(byLinks.incomplete);
      expect(keysOf(byIterator.byInode)).toEqual([...inodes].sort((a, b) => a - b));
      expect(among(pids, byIterator.byInode.get(inodeOf(server)))).toHaveLength(2);
    });

    it('gives every socket of a process, of whatever kind', async () => {
      const server = await listening(net.createServer());
      await connected(server);
      const ofThis = (found: SocketOwners | undefined) =>
        new Map(Array.from(found?.byInode ?? [], ([inode, owners]) => [inode, own(owners)]));
      const sockets = [...ofThis(ownersByIterator({}))].filter(([, owners]) => owners.length > 0);
      expect(sockets.length).toBeGreaterThan(3);
      expect(new Map(sockets)).toEqual(ofThis(ownersByLinks({}, [process.pid])));
    });

    it('names a process once, by the descriptor that comes first', () => {
      using listener = rawListener(1);
      const dup2 = koffi.load(null).func('int dup2(int, int)');
      expect(dup2(listener.fd, 1900)).toBe(1900);
      onTestFinished(() => closeDescriptor(1900));
      const { ino } = fstatSync(listener.fd);
      const owner = { ...hostProcess(process.pid), fd: listener.fd };
      expect(own(ownersByIterator({})?.byInode.get(ino))).toEqual([owner]);
    });

    it('finds many sockets, none of them twice and none missed', () => {
      const held = Array.from({ length: 3000 }, () => rawListener(1));
      const fds = new Map(held.map(({ fd }) => [fstatSync(fd).ino, fd]));
      const inodes = new Set(fds.keys());
      try {
        const { byInode } = ownersByIterator({ inodes }) as SocketOwners;
        expect(byInode.size).toBe(3000);
        const again = findOwners({ inodes }).byInode;
        expect(again.size).toBe(3000);
        for (const [inode, fd] of fds) {
          expect(own(byInode.get(inode))).toMatchObject([{ fd }]);
          expect(own(again.get(inode))).toMatchObject([{ fd }]);
        }
      } finally {
        for (const listener of held) listener[Symbol.dispose]();
      }
    });

    it('looks at single processes by the links', () => {
      expect(ownersByIterator({ pids: [process.pid] })).toBeUndefined();
    });

    it.skipIf(cannotRun(spawnSync('unshare', ['--pid', '--fork', 'true']).status !== 0, 'it needs unshare'))(
      'is not taken where process ids are not those of the kernel',
      async () => {
        for (const mountsProc of [[], ['--mount-proc']]) {
          const seen = await runProgram<{ pid: number; iterated: boolean; owners: SocketOwner[] | undefined }>(
            new URL('./contained-owners.ts', import.meta.url),
            [],
            ['unshare', '--pid', '--fork', ...mountsProc],
          );
          expect(seen.iterated).toBe(false);
          if (mountsProc.length > 0) expect(seen.owners).toMatchObject([{ pid: seen.pid }]);
        }
      },
    );
  },
);
