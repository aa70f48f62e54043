import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, type ServerProgram, scratchDirectory, startServer } from './server-program.js';

/** nginx, which answers each request itself; with these parameters of `listen`. */
export async function startNginx(parameters: readonly string[] = []): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const config = path.join(directory, 'nginx.conf');
  const listen = [`127.0.0.1:${port}`, ...parameters].join(' ');
  // Its workers would otherwise be of a user who cannot use the directory.
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${directory};`);
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
events {}
http { access_log off; ${paths.join(' ')} server { listen ${listen}; return 200 ok; } }
`,
  );
  return startServer('/usr/sbin/nginx', ['-e', 'stderr', '-c', config], { port, directory });
}

/** HAProxy, which answers each request itself; with these parameters of `bind`, and lines after it. */
export async function startHaproxy(settings: readonly string[] = []): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const config = path.join(directory, 'haproxy.cfg');
  const [bind = '', ...lines] = settings;
  writeFileSync(
    config,
    `defaults
  mode http
  timeout client 1h
  timeout connect 1h
  timeout server 1h
frontend tests
  bind 127.0.0.1:${port} ${bind}
${lines.map((line) => `  ${line}\n`).join('')}  http-request return status 200
`,
  );
  return startServer('/usr/sbin/haproxy', ['-db', '-f', config], { port, directory });
}
