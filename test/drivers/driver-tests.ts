import { expect, it, type TestContext } from 'vitest';
import type { ConnectionRow } from '../../src/host/list/row.js';
import { detectionTime } from '../../src/index.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import { setReceptionOf } from '../../src/testing/reception.js';
import { expectElapsed } from '../kernel/expectation.js';
import { lastHeard, moment } from '../kernel/observation.js';
import { connectionsOf, copyOf, describeState, hasOpen, serverEndOf } from './connections.js';
import { documentedPlace, documentedSettings, documentedSigns } from './documented.js';
import { type DriverEvent, DriverProcess } from './driver-process.js';

const policy = '1:1:2';
const enforcing = { TCP_KEEPALIVE: policy };
const filling = { TCP_KEEPALIVE: '45:5:3', TCP_KEEPALIVE_MODE: 'fill' };
const located = '40:4:4:auto';
const applied = { enabled: true, idle: 1000, interval: 1000, count: 2, userTimeout: 0 };

/** How one driver is tested. */
export interface DriverTest {
  /** Its program in `programs/`, and its name in docs/drivers.md. */
  readonly name: string;
  /** The folder in `programs/` that its program is in. */
  readonly folder?: 'libraries';
  readonly port: (setting: string) => number;
  /** Its server is only a listener: there are no queries. */
  readonly handshakeOnly?: true;
  /** The setting with which the driver keeps an idle connection; `default` unless given. */
  readonly lasting?: string;
  /** Once the driver has sent nothing for so long, its server asks for nothing more either. */
  readonly quietAfterMs?: number;
}

async function startDriver(
  { name, folder }: DriverTest,
  context: TestContext,
  environment?: Readonly<Record<string, string>>,
) {
  const program = name.split('/').at(-1) as string;
  const driver = await DriverProcess.start(folder === undefined ? program : `${folder}/${program}`, environment);
  context.onTestFinished(() => driver.end());
  return driver;
}

/** Nobody is busy so often for so long. */
const mostUses = 5;

/** The connections that a new client has used; with a mere listener, those on which it has sent a message. */
async function openAndUse(driver: DriverProcess, test: DriverTest, setting: string): Promise<ConnectionRow[]> {
  const port = test.port(setting);
  const older = new Set(connectionsOf(driver.pid, port).map(({ connection }) => connection.cookie));
  await driver.open(port, setting);
  await driver.use();
  const rows = () => connectionsOf(driver.pid, port).filter(({ connection }) => !older.has(connection.cookie));
  if (!test.handshakeOnly) {
    // The driver may close a connection that was idle for 5 s, and this process may be busy for that long.
    let found = rows();
    for (let used = 1; used < mostUses && found.length === 0; used += 1) {
      await driver.use();
      found = rows();
    }
    return found;
  }
  const hasSpoken = ({ connection }: ConnectionRow) => (connection.info?.bytesAcked ?? 0) > 1;
  await moment(() => rows().some(hasSpoken), `${test.name} sends its first message`);
  return rows().filter(hasSpoken);
}

/** What the driver has on the wire with each of its settings. */
async function measureSettings(test: DriverTest, driver: DriverProcess): Promise<Record<string, string>> {
  const measured: Record<string, string> = {};
  for (const setting of driver.settings) {
    const rows = await openAndUse(driver, test, setting);
    const states = new Set(
      rows.map(({ keepAlive }) => keepAlive && keepAlive.idle !== null && describeState(keepAlive)),
    );
    measured[setting] = [...states].join(' and ');
    await driver.close();
  }
  return measured;
}

/** The driver's only connection. */
function connectionOf(driver: DriverProcess, port: number): ConnectionRow {
  const rows = connectionsOf(driver.pid, port);
  expect(rows).toHaveLength(1);
  return rows[0] as ConnectionRow;
}

async function quiet(client: ConnectionRow, forMs: number): Promise<void> {
  using own = copyOf(client);
  await moment(() => readTcpInfo(own.fd).lastDataSentMs >= forMs, `nothing is sent for ${forMs} ms`);
}

/** Crashes the server of one connection, once nothing is in flight, and waits until the client's kernel gives it up. */
async function expectDetection(client: ConnectionRow): Promise<void> {
  using own = copyOf(client);
  using servers = copyOf(serverEndOf(client));
  const isSettled = () => readTcpInfo(own.fd).unacked === 0 && readTcpInfo(servers.fd).unacked === 0;
  await moment(isSettled, 'nothing is in flight');
  setReceptionOf(servers.fd, 'IPv4', 'drop');
  const heard = lastHeard(own.fd);
  const death = await moment(() => readTcpInfo(own.fd).state === 'CLOSE', 'the dead peer is noticed');
  expectElapsed(heard, death, detectionTime(policy));
}

function signOf({ event, error }: DriverEvent): string {
  return error === undefined ? event : `${event} ${error.code ?? error.message}`;
}

export function testDriver(test: DriverTest): void {
  const { name } = test;

  it.concurrent(`${name}: its own settings do on the wire what the table says`, async (context) => {
    const driver = await startDriver(test, context);
    expect(documentedSettings(name, 'without a policy')).toEqual(await measureSettings(test, driver));
  });

  it.concurrent(`${name}: has what the table says where the policy only fills gaps`, async (context) => {
    const driver = await startDriver(test, context, filling);
    expect(documentedSettings(name, 'filled')).toEqual(await measureSettings(test, driver));
  });

  it.concurrent(`${name}: has the policy with all of its settings`, async (context) => {
    const driver = await startDriver(test, context, enforcing);
    for (const setting of driver.settings) {
      const rows = await openAndUse(driver, test, setting);
      expect(rows.length, setting).toBeGreaterThan(0);
      for (const { keepAlive } of rows) expect(keepAlive, setting).toEqual(applied);
      await driver.close();
    }
  });

  it.concurrent(`${name}: keeps its socket where the table says`, async (context) => {
    const driver = await startDriver(test, context);
    const setting = test.lasting ?? 'default';
    const port = test.port(setting);
    const place = documentedPlace(name);
    await openAndUse(driver, test, setting);
    if (place === 'none') return expect(driver.locate(place, located)).rejects.toThrow('cannot be reached');
    await driver.locate(place ?? '', located);
    const isSet = ({ keepAlive }: ConnectionRow) => keepAlive?.idle === 40_000 && keepAlive.userTimeout === 56_000;
    await moment(() => connectionsOf(driver.pid, port).some(isSet), `${name} has the policy at ${place}`);
  });

  if (test.handshakeOnly) return;

  it.concurrent(`${name}: keeps the policy, notices a dead server, and goes on`, async (context) => {
    const driver = await startDriver(test, context, enforcing);
    const setting = test.lasting ?? 'default';
    const port = test.port(setting);
    await driver.open(port, setting);
    await driver.use();
    const first = connectionOf(driver, port);
    await driver.use();
    const again = connectionOf(driver, port);
    expect(again.connection.cookie).toBe(first.connection.cookie);
    expect(again.keepAlive).toEqual(applied);

    await quiet(again, test.quietAfterMs ?? 0);
    expect(driver.events).toEqual([]);
    await expectDetection(again);
    await moment(() => !hasOpen(again), `${name} closes the dead connection`);
    await driver.use();
    const fresh = connectionOf(driver, port);
    expect(fresh.connection.cookie).not.toBe(first.connection.cookie);
    expect(fresh.keepAlive).toEqual(applied);
    expect(documentedSigns(name)).toEqual([...new Set(driver.events.map(signOf))]);
  });
}
