import { fileURLToPath } from 'node:url';
import { accepts, freePort, type ServerProgram, scratchDirectory, startServer } from './server-program.js';

const certificate = (part: string) =>
  fileURLToPath(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url));

export interface RedisServer extends ServerProgram {
  readonly tlsPort: number;
}

/** Redis on a plain port and on one with TLS, with no keepalive of its own unless these settings say otherwise. */
export async function startRedis(own: readonly string[] = ['tcp-keepalive 0']): Promise<RedisServer> {
  const [port, tlsPort, directory] = [await freePort(), await freePort(), scratchDirectory()];
  const settings = {
    bind: '127.0.0.1',
    // Clients from other addresses of the loopback device may come in.
    'protected-mode': 'no',
    save: '',
    dir: directory,
    ...Object.fromEntries(own.map((setting) => setting.split(' ') as [string, string])),
    'tls-cert-file': certificate('cert'),
    'tls-key-file': certificate('key'),
    'tls-ca-cert-file': certificate('cert'),
    'tls-auth-clients': 'no',
  };
  const ports = ['--port', String(port), '--tls-port', String(tlsPort)];
  const args = [...ports, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])];
  const program = await startServer('redis-server', args, { port, directory, isReady: () => accepts(tlsPort) });
  return { ...program, tlsPort };
}
