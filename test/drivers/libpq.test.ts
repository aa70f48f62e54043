import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { ConnectionRow } from '../../src/host/list/row.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import { setReceptionOf } from '../../src/testing/reception.js';
import { moment } from '../kernel/observation.js';
import { connectionsOf, copyOf, describeState, serverEndOf } from './connections.js';
import { DriverProcess } from './driver-process.js';
import { lacks } from './servers/installed.js';
import { postgresqlPrograms, startPostgresql } from './servers/postgresql.js';
import type { ServerProgram } from './servers/server-program.js';

describe.skipIf(lacks(postgresqlPrograms() ?? 'postgresql'))('libpq, which opens its sockets itself', () => {
  let server: ServerProgram;
  beforeAll(async () => {
    server = await startPostgresql();
  });
  afterAll(() => server?.stop());

  async function connected(context: TestContext, setting: string, environment: Readonly<Record<string, string>>) {
    const driver = await DriverProcess.start('libpq', environment);
    context.onTestFinished(() => driver.end());
    await driver.open(server.port, setting);
    return driver;
  }

  const rowOf = ({ pid }: DriverProcess) => connectionsOf(pid, server.port)[0];
  const stateOf = (driver: DriverProcess) => {
    const { keepAlive } = rowOf(driver) ?? {};
    return keepAlive == null || keepAlive.idle === null ? 'not connected' : describeState(keepAlive);
  };

  it.concurrent.each([
    ['default', {}, '45:5:3'],
    ['keepalives_idle=10', {}, '45:5:3'],
    ['keepalives=0', {}, '45:5:3'],
    ['default', { TCP_KEEPALIVE_MODE: 'fill' }, '45:5:3'],
    ['keepalives_idle=10', { TCP_KEEPALIVE_MODE: 'fill' }, '10:5:3'],
    ['keepalives=0', { TCP_KEEPALIVE_MODE: 'fill' }, '45:5:3'],
  ])('has with %s and %j the policy %s', async (setting, environment, expected) => {
    // The context of it.each comes as an extra argument, so the process is ended here.
    const driver = await DriverProcess.start('libpq', { TCP_KEEPALIVE: '45:5:3', ...environment });
    try {
      await driver.open(server.port, setting);
      await driver.use();
      await moment(() => stateOf(driver) === expected, `libpq has ${expected}, and not ${stateOf(driver)}`);
      await driver.use();
      expect(stateOf(driver)).toBe(expected);
      await driver.close();
    } finally {
      await driver.end();
    }
  });

  it.concurrent('reports that the server has vanished in the middle of a query', async (context) => {
    const driver = await connected(context, 'a long query', { TCP_KEEPALIVE: '1:1:2' });
    const query = driver.use().then(
      () => undefined,
      (error: Error) => error,
    );
    await moment(() => stateOf(driver) === '1:1:2', 'libpq has the policy');
    const row = rowOf(driver) as ConnectionRow;
    using own = copyOf(row);
    await moment(
      () => readTcpInfo(own.fd).lastDataSentMs > 200 && readTcpInfo(own.fd).unacked === 0,
      'the query is sent',
    );
    using servers = copyOf(serverEndOf(row));
    setReceptionOf(servers.fd, 'IPv4', 'drop');
    expect(await query).toMatchObject({ message: expect.stringMatching(/Connection timed out|server closed/) });
  });
});
