import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { KeepAliveState } from '../../src/index.js';
import { cannotRun } from '../requirement.js';
import { program, type Started, start } from './registered.js';

interface BothEnds {
  readonly client: KeepAliveState;
  readonly called: KeepAliveState;
}

const registerFile = fileURLToPath(new URL('../../dist/process/register.js', import.meta.url));
const options = ['--import', registerFile];
const secret = 'root:$6$hunter2:20000:0:99999:7:::';

/** A working directory for a program, with what is to lie in it. */
function folderWith(fill: (folder: string, file: string) => void): { readonly folder: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
  fill(folder, path.join(folder, 'tcp-keepalive.json'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

const write = (content: unknown) => (_: string, file: string) =>
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));

async function statesOf({ ended }: Started): Promise<BothEnds & { readonly stderr: string }> {
  const { code, stdout, stderr } = await ended;
  expect(code, stderr).toBe(0);
  return { ...(JSON.parse(stdout) as BothEnds), stderr };
}

const inFolder = (cwd: string, env: Record<string, string> = {}) =>
  statesOf(start([program('both-ends.mjs')], { cwd, env, options }));

describe.concurrent('a working directory', () => {
  it('that was deleted does not matter', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
    const gone = `import { rmdirSync } from 'node:fs'; rmdirSync(process.cwd()); await import('${pathToFileURL(registerFile)}');`;
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(gone)}`];
    const env = { TCP_KEEPALIVE: '30:5:3' };
    const { client } = await statesOf(start([program('both-ends.mjs')], { cwd: folder, env, options: preload }));
    expect(client).toMatchObject({ idle: 30_000 });
    expect(() => rmdirSync(folder)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it.skipIf(cannotRun(process.getuid?.() !== 0, 'only root can start a program where it may not read'))(
    'that cannot be read does not matter, and neither is what lies in it quoted',
    async () => {
      using place = folderWith((folder, file) => {
        writeFileSync(file, secret);
        execFileSync('chmod', ['700', folder]);
      });
      const args = JSON.stringify([...options, '-p', '"ran"']);
      const outer = `
        process.setuid(65534);
        const { spawnSync } = require('node:child_process');
        const { status, stdout, stderr } = spawnSync(process.execPath, ${args}, { encoding: 'utf8' });
        console.log(JSON.stringify({ status, stdout, stderr }));`;
      const { stdout } = await start(['-e', outer], { cwd: place.folder, options: [] }).ended;
      const seen = JSON.parse(stdout) as { status: number; stdout: string; stderr: string };
      expect(seen).toMatchObject({ status: 0, stdout: 'ran\n' });
      expect(seen.stderr).toMatch(/KeepAliveWarning: no keepalive policy is in force/);
      expect(seen.stderr).not.toContain('hunter2');
    },
  );
});

describe.concurrent('a tcp-keepalive.json that lies in the working directory by chance', () => {
  it.each<[string, (folder: string, file: string) => void, RegExp]>([
    ['a FIFO', (_, file) => execFileSync('mkfifo', [file]), /tcp-keepalive\.json is no regular file/],
    ['a folder', (_, file) => mkdirSync(file), /tcp-keepalive\.json is no regular file/],
    [
      'a link to a secret',
      (folder, file) => {
        writeFileSync(path.join(folder, 'secret'), secret);
        symlinkSync(path.join(folder, 'secret'), file);
      },
      /tcp-keepalive\.json is a symbolic link, which is not followed/,
    ],
    ['a link to a device', (_, file) => symlinkSync('/dev/zero', file), /is a symbolic link/],
    ['too large', (_, file) => writeFileSync(file, ' '.repeat(1024 * 1024 + 1)), /has more than 1 MB/],
  ])('is not read if it is %s, which a warning says', async (_, fill, message) => {
    using place = folderWith(fill);
    const { client, stderr } = await inFolder(place.folder);
    expect(client.enabled).toBe(false);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('hunter2');
  });

  it.skipIf(cannotRun(process.getuid?.() !== 0, 'only root can give a file away'))(
    'is not read if it is of another user',
    async () => {
      using place = folderWith((_, file) => {
        writeFileSync(file, JSON.stringify({ policy: '20:5:3' }));
        chownSync(file, 65534, 65534);
      });
      const { client, stderr } = await inFolder(place.folder);
      expect(client.enabled).toBe(false);
      expect(stderr).toMatch(/tcp-keepalive\.json belongs to user 65534, not to this user or root/);
    },
  );

  it.each<[string, Record<string, string>, number]>([
    ['a policy', { TCP_KEEPALIVE: '30:5:3' }, 30_000],
    ['rules', { TCP_KEEPALIVE_RULES: '[{ "policy": "30:5:3" }]' }, 30_000],
  ])('changes nothing where the environment gives %s', async (_, env, idle) => {
    const weaker = { policy: 'unmanaged', mode: 'fill', rules: [{ policy: 'unmanaged' }] };
    using place = folderWith(write(weaker));
    const { client, called } = await inFolder(place.folder, env);
    expect([client, called]).toMatchObject([
      { enabled: true, idle },
      { enabled: true, idle },
    ]);
  });

  it('is not even looked at there, whatever it is', async () => {
    using place = folderWith(write('not JSON'));
    const { client, stderr } = await inFolder(place.folder, { TCP_KEEPALIVE: '30:5:3' });
    expect(client.idle).toBe(30_000);
    expect(stderr).toBe('');
  });

  it('is not quoted where it is wrong', async () => {
    for (const content of [secret, `"${secret}"`, { password: secret }, `{ "policy": "30:5:3",\n ${secret}`]) {
      using place = folderWith(write(content));
      const { code, stderr } = await start(['-p', '1'], { cwd: place.folder, options }).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^tcp-keepalive: .*tcp-keepalive\.json/);
      expect(stderr).not.toContain('hunter2');
    }
  });

  it('has where it stops being JSON in the error', async () => {
    using place = folderWith(write('{\n  "policy": "30:5:3" "mode" }'));
    const { stderr } = await start(['-p', '1'], { cwd: place.folder, options }).ended;
    expect(stderr).toMatch(/tcp-keepalive\.json must be JSON, got text that is not, from line 2, column 22 on/);
  });
});

describe.concurrent('a file that TCP_KEEPALIVE_CONFIG names', () => {
  it('may be a link, and is read besides what the environment says', async () => {
    using place = folderWith((folder) => {
      writeFileSync(path.join(folder, 'real.json'), JSON.stringify({ policy: '20:5:3', mode: 'fill' }));
      symlinkSync('real.json', path.join(folder, 'link.json'));
    });
    const { called } = await inFolder(place.folder, { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_CONFIG: 'link.json' });
    expect(called).toMatchObject({ idle: 60_000, interval: 5000 });
  });

  it('is refused at once if it is a FIFO', async () => {
    using place = folderWith((_, file) => execFileSync('mkfifo', [file]));
    const env = { TCP_KEEPALIVE_CONFIG: 'tcp-keepalive.json' };
    const { code, stderr } = await start(['-p', '1'], { cwd: place.folder, env, options }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/must be a regular file .*, got one that is no regular file/);
  });
});

describe.concurrent('without a policy', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['nothing is set', {}, /TCP_KEEPALIVE is not set; .*tcp-keepalive\.json does not exist; set TCP_KEEPALIVE=30:5:3/],
    ['the variable is empty', { TCP_KEEPALIVE: '' }, /TCP_KEEPALIVE is empty; /],
    ['its name is misspelt', { TCP_KEEP_ALIVE: '30:5:3' }, /TCP_KEEP_ALIVE is set: did you mean TCP_KEEPALIVE\?/],
    ['it is in lower case', { tcp_keepalive: '30:5:3' }, /tcp_keepalive is set: did you mean TCP_KEEPALIVE\?/],
    ['only the mode is set', { TCP_KEEPALIVE_MODE: 'fill' }, /TCP_KEEPALIVE is not set; /],
  ])('because %s, one warning names what was looked for', async (_, env, message) => {
    using place = folderWith(() => {});
    const { client, stderr } = await inFolder(place.folder, env);
    expect(client.enabled).toBe(false);
    expect(stderr).toMatch(message);
    expect(stderr.match(/KeepAliveWarning/g)).toHaveLength(1);
  });

  it('because its worker threads have none either, there is one warning for the process', async () => {
    using place = folderWith(() => {});
    const code = `new (require('node:worker_threads').Worker)('', { eval: true })`;
    const { stderr } = await start(['-e', code], { cwd: place.folder, options }).ended;
    expect(stderr.match(/KeepAliveWarning/g)).toHaveLength(1);
  });

  it.each(['unmanaged', 'off'])('because it is %s, there is not a word', async (word) => {
    using place = folderWith(write({ policy: '20:5:3' }));
    const { client, stderr } = await inFolder(place.folder, { TCP_KEEPALIVE: word });
    expect(client.enabled).toBe(false);
    expect(stderr).toBe('');
  });

  it.each([
    [{ TCP_KEEPALIVE_MOED: 'fill' }, /did you mean "TCP_KEEPALIVE_MODE"\?/],
    [{ TCP_KEEPALIVE_MODE: 'fil' }, /TCP_KEEPALIVE_MODE: mode must be 'enforce' or 'fill', got "fil"/],
    [{ TCP_KEEPALIVE_NATIVE: 'no' }, /TCP_KEEPALIVE_NATIVE: native must be true or false/],
    [{ TCP_KEEPALIVE_RULES: '[' }, /TCP_KEEPALIVE_RULES must be a list of rules as JSON/],
    [{ TCP_KEEPALIVE_RULES: '[{ "prot": 1, "policy": "off" }]' }, /unknown field "prot"; did you mean "port"\?/],
  ])('because it is unmanaged, %j is still an error', async (env, message) => {
    const { code, stderr } = await start(['-e', '0'], { options, env: { TCP_KEEPALIVE: 'unmanaged', ...env } }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('because it is unmanaged, a rule still gives its connections a policy', async () => {
    using place = folderWith(() => {});
    const rules = (policy: string) => ({
      TCP_KEEPALIVE: 'unmanaged',
      TCP_KEEPALIVE_RULES: JSON.stringify([{ role: 'client', policy }]),
    });
    const { client, stderr } = await inFolder(place.folder, rules('30:5:3'));
    expect(stderr).toBe('');
    expect(client).toMatchObject({ enabled: true, idle: 30_000 });
    expect((await inFolder(place.folder, rules('unmanaged'))).client.enabled).toBe(false);
  });

  it('because the file says unmanaged, there is not a word', async () => {
    using place = folderWith(write({ policy: 'unmanaged' }));
    expect((await inFolder(place.folder)).stderr).toBe('');
  });
});

describe.concurrent('an unknown variable', () => {
  it.each([
    ['TCP_KEEPALIVE_MOED', 'did you mean "TCP_KEEPALIVE_MODE"\\?'],
    ['TCP_KEEPALIVE_RULE', 'did you mean "TCP_KEEPALIVE_RULES"\\?'],
    [
      'TCP_KEEPALIVE_POLICY',
      'known are TCP_KEEPALIVE, .*TCP_KEEPALIVE_NATIVE, TCP_KEEPALIVE_DEAD_AFTER, TCP_KEEPALIVE_DESTROY, TCP_KEEPALIVE_CONFIG, TCP_KEEPALIVE_ON_ERROR',
    ],
  ])('%s ends the program before it begins', async (name, hint) => {
    const env = { TCP_KEEPALIVE: '30:5:3', [name]: 'fill' };
    const { code, stdout, stderr } = await start(['-p', '1'], { env }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^tcp-keepalive: the environment: unknown variable "${name}"; ${hint}\n$`));
  });

  it('or a wrong way to go on becomes a warning where that is asked for', async () => {
    const env = { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_RULE: '[]', TCP_KEEPALIVE_ON_ERROR: 'warn' };
    const { code, stderr } = await start(['-p', '1'], { env }).ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /KeepAliveWarning: no keepalive policy is in force: the environment: unknown variable "TCP_KEEPALIVE_RULE"/,
    );
    const wrong = await start(['-p', '1'], { env: { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_ON_ERROR: 'wran' } }).ended;
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/must be 'exit' or 'warn', got "wran"/) });
  });
});

describe.concurrent('a summary signal', () => {
  it.each(['SIGSEGV', 'SIGABRT', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGPROF', 'SIGTSTP', 'SIGCHLD'])(
    '%s, which ends, crashes, stops or debugs, is refused',
    async (signal) => {
      const env = { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_SUMMARY_SIGNAL: signal };
      const { code, stderr } = await start(['-p', '1'], { env }).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/summarySignal must be one of SIGUSR2, SIGWINCH, SIGURG, SIGCONT: others end, stop or/);
    },
  );
});
