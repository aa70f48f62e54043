import { describe, expect, it } from 'vitest';
import { namesOf, programName } from './program-name.js';

/** The content of /proc/PID/cmdline. */
const line = (...args: string[]) => `${args.join('\0')}\0`;

describe('programName', () => {
  it.each([
    ['node', line('node', 'app.js'), 'node app.js'],
    [
      'node',
      line('/usr/bin/node', '--max-old-space-size=512', '--require', './trace.js', '/srv/shop/app.js', '-v'),
      'node app.js',
    ],
    ['node', line('node', '--import', 'tsx', 'src/server.ts'), 'node server.ts'],
    ['node', line('node', '/srv/api/index.js'), 'node api/index.js'],
    ['node', line('node', '/srv/api/dist/main.js'), 'node api/dist/main.js'],
    ['node', line('node', './index.js'), 'node index.js'],
    ['node', line('node', 'inspect', 'app.js'), 'node app.js'],
    ['node', line('node', '-e', 'require("net")'), 'node'],
    ['node', line('node'), 'node'],
    ['node', line('node', '-'), 'node'],
    ['MainThread', line('/opt/node24/bin/node', 'app.js'), 'node app.js'],
    ['node-MainThread', line('node', '--watch', 'app.js'), 'node app.js'],
    ['MainThread', line('node', '-e', '0'), 'node'],
    ['MainThread', line('/opt/shop/shop-server', '--port', '80'), 'shop-server'],
    ['MainThread', '', 'MainThread'],
    ['node /home/user', `node /home/user/app/server.js${'\0'.repeat(30)}`, 'node server.js'],
    ['node srv.js', `node srv.js${'\0'.repeat(30)}`, 'node srv.js'],
    ['node (vitest 1)', `node (vitest 1)${'\0'.repeat(30)}`, 'node (vitest 1)'],
    ['npm run start', 'npm run start\0\0\0', 'npm run start'],
    ['npm run start:p', 'npm run start:prod --workspace api\0\0\0', 'npm run start:prod'],
    ['shop', 'shop\0\0\0', 'shop'],
    ['bun', line('bun', 'run', '--hot', 'server.ts'), 'bun server.ts'],
    ['deno', line('deno', 'run', '--allow-net', 'https://example.com/chat/server.ts'), 'deno server.ts'],
    ['python3', line('/usr/bin/python3', '-u', '/srv/worker.py'), 'python3 worker.py'],
    ['python3.12', line('python3.12', '-W', 'ignore', '-m', 'http.server'), 'python3.12 http.server'],
    ['python3', line('python3', '-c', 'import socket'), 'python3'],
    ['java', line('java', '-Xmx1g', '-jar', '/opt/shop/shop.jar', '--port=80'), 'java shop.jar'],
    [
      'java',
      line('java', '-cp', `/opt/${'lib.jar:'.repeat(2000)}`, 'kafka.Kafka', 'server.properties'),
      'java kafka.Kafka',
    ],
    ['ruby', line('ruby', '-I', 'lib', 'bin/worker.rb'), 'ruby worker.rb'],
    ['php', line('php', '-d', 'x=1', 'artisan', 'serve'), 'php artisan'],
    ['dotnet', line('dotnet', 'exec', 'Shop.dll'), 'dotnet Shop.dll'],
    ['bash', line('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/80'), 'bash'],
    ['sh', line('-sh'), 'sh'],
    ['postgres', 'postgres: shop shop 10.0.0.1(5432) idle', 'postgres'],
    ['nginx', 'nginx: worker process\0\0', 'nginx'],
    ['gunicorn: maste', 'gunicorn: master [shop]', 'gunicorn: master'],
    ['networkd-dispat', line('/usr/bin/python3', '/usr/bin/networkd-dispatcher', '--run'), 'networkd-dispatcher'],
    ['long-program-na', line('/opt/long-program-name'), 'long-program-name'],
    ['kworker/0:1', '', 'kworker/0:1'],
    ['', '', ''],
  ])('of %j with %j is %j', (comm, commandLine, expected) => {
    expect(programName(comm, commandLine)).toBe(expected);
  });

  it('is short and takes no time, whatever the command line is', () => {
    const path = `/${'x'.repeat(60_000)}`;
    for (const args of [
      ['node', path],
      ['node', `${' '.repeat(60_000)}x`],
      [`node${' '.repeat(60_000)}x`],
      ['node', '/'.repeat(60_000)],
      ['node', ...'-'.repeat(30_000)],
      ['node /home/user', path],
    ]) {
      expect(
        [...programName(args[0] === 'node' ? 'node' : 'node /home/user', line(...args))].length,
      ).toBeLessThanOrEqual(60);
    }
    expect(programName('node', line('node', '-\n', 'a\u001b[31m.js'))).toBe('node a\u001b[31m.js');
  });
});

describe('namesOf', () => {
  it('has the name of the kernel, the program, the interpreter, and the script', () => {
    const names = namesOf({ name: 'MainThread', program: 'node api/index.js' });
    expect(names).toEqual(['MainThread', 'node api/index.js', 'node', 'api/index.js', 'index.js', 'node index.js']);
    expect(namesOf({ name: 'postgres' })).toEqual(['postgres', 'postgres']);
    expect(namesOf({ name: 'npm run start' })).toEqual(['npm run start', 'npm run start']);
  });
});
