import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { accepts, end, freePort, type ServerProgram, scratchDirectory, startServer } from './server-program.js';

/** The port mapper that Erlang would otherwise start as a daemon, which nothing would end. */
async function startPortMapper(port: number): Promise<ChildProcess> {
  const mapper = spawn('epmd', ['-port', String(port), '-address', '127.0.0.1'], { stdio: 'ignore' });
  while (!(await accepts(port))) {
    if (mapper.exitCode !== null) throw new Error(`epmd ended with ${mapper.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return mapper;
}

/** Starts RabbitMQ as an Erlang node of its own, which answers on its port when it is whole. `advanced` is its advanced.config. */
export async function startRabbitmq(settings: readonly string[] = [], advanced = '[].\n'): Promise<ServerProgram> {
  const [port, distributionPort, mapperPort, directory] = [
    await freePort(),
    await freePort(),
    await freePort(),
    scratchDirectory(),
  ];
  const mapper = await startPortMapper(mapperPort);
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    // Its start script then becomes the server, so that the process started here is the one to end.
    RABBITMQ_ALLOW_INPUT: 'true',
    ERL_EPMD_PORT: String(mapperPort),
    RABBITMQ_NODENAME: `test-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: path.join(directory, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: path.join(directory, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: path.join(directory, 'environment'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(directory, 'plugins'),
    RABBITMQ_MNESIA_BASE: path.join(directory, 'mnesia'),
    RABBITMQ_GENERATED_CONFIG_DIR: path.join(directory, 'config'),
    RABBITMQ_PID_FILE: path.join(directory, 'pid'),
    RABBITMQ_LOG_BASE: directory,
    RABBITMQ_LOGS: path.join(directory, 'log'),
  };
  writeFileSync(path.join(directory, 'plugins'), '[].\n');
  writeFileSync(path.join(directory, 'advanced.config'), advanced);
  writeFileSync(path.join(directory, 'rabbitmq.conf'), settings.map((setting) => `${setting}\n`).join(''));
  try {
    const program = await startServer('/usr/lib/rabbitmq/bin/rabbitmq-server', [], { port, directory, env });
    const stop = async () => {
      await program.stop();
      await end(mapper);
    };
    return { ...program, stop };
  } catch (error) {
    await end(mapper);
    throw error;
  }
}

export async function startMosquitto(): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const config = path.join(directory, 'mosquitto.conf');
  // Run by root it would otherwise become a user who cannot read its directory.
  const user = spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser ${user}\n`);
  return startServer('mosquitto', ['-c', config], { port, directory });
}

export async function startNats(): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  return startServer('nats-server', ['--addr', '127.0.0.1', '--port', String(port)], { port, directory });
}
