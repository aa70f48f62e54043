import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type net from 'node:net';
import { hostname } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { finished, program } from './run-cli.js';
import { onTerminal, shellOnTerminal } from './terminal.js';

const watch = `${process.execPath} ${program} ls --watch 0.2`;
/** The filters that mean this end of a connection and no other. */
const end = (socket: net.Socket) => ['--port', `local:${socket.localPort}`, '--pid', `${process.pid}`];
const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
const controls = /[\u0000-\u0009\u000b-\u001f]/;

/** Connections of one server of this process, whose ends are `local:PORT`. */
async function pairsOn(count: number) {
  const first = await loopbackPair();
  const pairs = [first];
  while (pairs.length < count) pairs.push(await loopbackPair());
  return {
    pairs,
    filters: ['--pid', `${process.pid}`, '--port', pairs.map(({ server }) => `local:${server.localPort}`).join(',')],
    [Symbol.dispose]: () => pairs.forEach((pair) => void pair.close()),
  };
}

describe.concurrent('ls --watch in a window', () => {
  it('shows the most urgent rows that fit, the number of the others, the summary, the time and the keys', async () => {
    using many = await pairsOn(12);
    const { server: quiet, client } = many.pairs.at(-1) as LoopbackPair;
    setKeepAlive(quiet, '1:1:40');
    using _ = crashPeer(client);
    const { child, result, window, shows, type } = onTerminal(110, 14, 'ls', '--watch', '0.2', ...many.filters);
    await shows(/1:1:40 .* [1-9] .*protected/);
    const lines = await window();
    expect(lines[0]).toMatch(new RegExp(`^${time}  ${hostname()}  ls --watch 0.2 --pid ${process.pid} `));
    expect(lines[1]).toMatch(/^PROCESS .*UNANSWERED.*VERDICT$/);
    expect(lines[2]).toMatch(new RegExp(`:${quiet.localPort} .* 1:1:40 .*protected$`));
    expect(lines.slice(3, 10).filter((line) => line.endsWith('unprotected'))).toHaveLength(7);
    expect(lines[10]).toBe('4 more');
    expect(lines[12]).toBe('12 connections: 11 unprotected, 1 protected');
    expect(lines[13]).toMatch(/^q quit {3}p pause {3}s sort: urgency {3}r reverse {3}v verdict: all/);
    type('q');
    expect((await result).code).toBe(0);
    expect(child.killed).toBe(false);
  });

  it('sorts, filters and pauses by keys', async () => {
    using many = await pairsOn(3);
    setKeepAlive(many.pairs[1]?.server as net.Socket, '30:5:3');
    const ports = many.pairs.map(({ server }) => server.localPort);
    const { result, window, shows, type } = onTerminal(110, 14, 'ls', '--watch', '0.2', ...many.filters);
    const rows = async () => (await window()).filter((line) => line.includes(`/${process.pid}`));
    await shows(/3 connections/);
    type('vvv');
    await shows(/v verdict: protected/);
    expect(await rows()).toHaveLength(1);
    expect((await rows())[0]).toContain(`:${ports[1]} `);
    type('\u001b');
    await shows(/v verdict: all/);
    type(`/:${ports[2]}\r`);
    await shows(new RegExp(`/ text: :${ports[2]}`));
    expect((await rows()).map((line) => line.includes(`:${ports[2]}`))).toEqual([true]);
    type('\u001b');
    await shows(/\/ text$/m);
    type('sr');
    await shows(/s sort: -process/);
    type('p');
    await shows(/\(paused\)/);
    many.pairs[0]?.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await rows()).toHaveLength(3);
    type('p');
    await vi.waitFor(async () => expect(await rows()).toHaveLength(2), { timeout: 30_000 });
    type('q');
    expect((await result).code).toBe(0);
  });

  it('fits the window anew when its size changes, down to one line', async () => {
    using many = await pairsOn(6);
    const { result, window, shows, type, resize } = onTerminal(120, 20, 'ls', '--watch', '0.2', ...many.filters);
    await shows(/q quit/);
    for (const [cols, rows] of [
      [60, 12],
      [10, 1],
      [1, 1],
      [90, 24],
      [40, 5],
    ] as const) {
      resize(cols, rows);
      const last = rows > 2 ? 'q quit' : '6 connections'.slice(0, cols - 1);
      await vi.waitFor(
        async () => {
          const lines = (await window()).filter((line) => line !== '');
          expect(lines.at(-1)?.startsWith(last)).toBe(true);
          expect(lines.length).toBeLessThanOrEqual(rows);
          if (cols >= 60) expect(lines.filter((line) => line.endsWith('unprotected')).length).toBeGreaterThan(3);
          if (cols === 40) expect(lines[0]).toMatch(/VERDICT$/);
        },
        { timeout: 30_000, interval: 50 },
      );
    }
    type('q');
    expect((await result).code).toBe(0);
  });

  it('writes only what has changed', async () => {
    using pair = await loopbackPair();
    const { child, result, shows, type } = onTerminal(110, 14, 'ls', '--watch', '0.2', ...end(pair.server));
    await shows(/1 connection/);
    let bytes = '';
    child.stdout.on('data', (data) => {
      bytes += data;
    });
    await vi.waitFor(() => expect(bytes.match(/HEARD|unprotected/g)?.length ?? 0).toBeGreaterThan(3), 30_000);
    expect(bytes).not.toContain('q quit');
    type('q');
    await result;
  });

  it('has whole frames on a terminal that cannot move its cursor', async () => {
    const { result, text, shows, child } = shellOnTerminal(90, 20, `TERM=dumb exec ${watch} --port local:1`);
    await shows(/0 connections[\s\S]*0 connections/);
    expect(await text()).toMatch(new RegExp(`^${time} [\\s\\S]*\\n\\n${time} `));
    child.stdin.write('\u0003');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
    expect((await result).stdout).not.toMatch(/\u001b/);
  });

  it('goes on without keys where standard input is no terminal or at its end', async () => {
    for (const input of ['< /dev/null', '<&-', '< <(sleep 100)']) {
      const { result, text, shows, pid } = shellOnTerminal(90, 20, `exec ${watch} --port local:1 ${input}`);
      await shows(/0 connections/);
      expect(await text()).not.toContain('q quit');
      process.kill(pid(), 'SIGINT');
      expect((await result).code).toBe(0);
    }
  });
});

describe.concurrent('ls --watch restores the terminal', () => {
  const script = `${watch} --port local:1; echo code=$?; stty -a | grep -o -e '-*icanon' -e '-*isig' -e '-*echo '`;
  /** The process that watches: the shell's child. */
  const childOf = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);

  it.each<[string, number, (pid: number, type: (keys: string) => void) => void]>([
    ['after q', 0, (_, type) => type('q')],
    ['after Ctrl+C', 0, (_, type) => type('\u0003')],
    ['after SIGINT', 0, (pid) => process.kill(pid, 'SIGINT')],
    ['after SIGTERM', 143, (pid) => process.kill(pid, 'SIGTERM')],
    ['after SIGHUP', 129, (pid) => process.kill(pid, 'SIGHUP')],
    ['after SIGQUIT', 131, (pid) => process.kill(pid, 'SIGQUIT')],
    ['after an error', 1, (pid) => void spawnSync('prlimit', ['--pid', `${pid}`, '--nofile=3:3'])],
  ])('%s', async (_, code, stop) => {
    const { result, text, shows, type, pid } = shellOnTerminal(90, 20, script);
    await shows(/q quit/);
    stop(childOf(pid()), type);
    await result;
    expect(await text()).toMatch(new RegExp(`\\ncode=${code}\\nisig\\nicanon\\necho`));
  });

  it('while it is stopped, and draws again when it goes on', async () => {
    const { result, window, shows, type } = shellOnTerminal(90, 20, `PS1='ready ' exec bash --norc -i`);
    await shows(/ready/);
    type(`${watch} --port local:1\r`);
    await shows(/q quit/);
    type('\u001a');
    await shows(/Stopped/);
    type("stty -a | grep -o -e '-*icanon' -e '-*isig' | tr '\\n' '='\r");
    await shows(/isig=icanon=/);
    type('fg\r');
    await vi.waitFor(async () => expect((await window())[0]).toMatch(/ls --watch/), 30_000);
    type('s');
    await shows(/s sort: process/);
    type('q');
    await vi.waitFor(async () => expect((await window()).findLast((line) => line !== '')).toBe('ready '), 30_000);
    type('exit\r');
    expect((await result).code).toBe(0);
  });

  it('is in raw mode at worst after SIGKILL', async () => {
    const { result, shows, pid } = shellOnTerminal(90, 20, script);
    await shows(/q quit/);
    process.kill(childOf(pid()), 'SIGKILL');
    const { stdout } = await result;
    expect(stdout).toContain('code=137');
    // Neither the alternate screen nor a hidden cursor.
    expect(stdout).not.toContain('\u001b[?');
  });
});

describe.concurrent('ls --watch in a pipe', () => {
  it('prints whole frames, each with its time, and moves no cursor', async () => {
    using pair = await loopbackPair();
    const child = spawn(process.execPath, [program, 'ls', '--watch', '0.2', ...end(pair.server)]);
    const result = finished(child);
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      if (text.split('\n\n').length > 6) child.kill('SIGINT');
    });
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(stdout).not.toMatch(controls);
    const frame = `${time}  ${hostname()}  ls --watch 0.2 .*\\nPROCESS .*VERDICT\\n.* unprotected\\n\\n1 connection: 1 unprotected\\n\\n`;
    expect(stdout).toMatch(new RegExp(`^(${frame}){3,}$`));
  });

  it('prints one line of JSON a frame', async () => {
    using pair = await loopbackPair();
    for (const [more, key] of [
      [[], 'connections'],
      [['--group', 'process'], 'groups'],
    ] as const) {
      const child = spawn(process.execPath, [program, 'ls', '--watch', '0.2', '--json', ...more, ...end(pair.server)]);
      const result = finished(child);
      let text = '';
      child.stdout.on('data', (data) => {
        text += data;
        if (text.split('\n').length > 3) child.kill('SIGINT');
      });
      const { code, stdout } = await result;
      expect(code).toBe(0);
      const frames = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(frames.length).toBeGreaterThanOrEqual(3);
      for (const frame of frames) {
        expect(Object.keys(frame)).toEqual(['time', key, 'notJudged', 'incomplete']);
        expect(frame[key]).toHaveLength(1);
        expect(Math.abs(Date.parse(frame.time) - Date.now())).toBeLessThan(60_000);
      }
      expect(frames[1].time > frames[0].time).toBe(true);
    }
  });
});
