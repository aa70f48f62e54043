import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { applyToProcess, getKeepAlive, type PolicyRule, type ProcessPolicy } from '../../src/index.js';
import { closing, connected, listening, portOf } from '../endpoints.js';

let inForce: ProcessPolicy | undefined;
const apply = (rules: readonly PolicyRule[], policy = '30:5:3'): ProcessPolicy => {
  inForce = applyToProcess(policy, { rules });
  return inForce;
};
afterEach(() => inForce?.close());

const idleOf = (end: net.Socket | net.Server) => {
  const { enabled, idle } = getKeepAlive(end);
  return enabled ? idle / 1000 : 'off';
};

/** What rules make of a connection to a server: the client's, the accepted end's and the listener's. */
async function outcome(rules: (port: number) => readonly PolicyRule[], host = '127.0.0.1') {
  const reserved = await listening(net.createServer());
  const port = portOf(reserved);
  await new Promise((resolve) => reserved.close(resolve));
  apply(rules(port));
  const server = closing(net.createServer()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const [client, accepted] = await connected(server, host);
  return { client: idleOf(client), accepted: idleOf(accepted), listener: idleOf(server) };
}

describe('the first rule that matches decides', () => {
  it.each<[string, (port: number) => readonly PolicyRule[], object]>([
    [
      'a port: of the service, at both ends',
      (port) => [{ port, policy: '10:1:2' }],
      { client: 10, accepted: 10, listener: 10 },
    ],
    [
      'a remote port',
      (port) => [{ port: `remote:${port}`, policy: '10:1:2' }],
      { client: 10, accepted: 30, listener: 'off' },
    ],
    [
      'a local port',
      (port) => [{ port: `local:${port}`, policy: '10:1:2' }],
      { client: 30, accepted: 10, listener: 10 },
    ],
    ['a range of ports', (port) => [{ port: `${port}-${port + 1}`, policy: '10:1:2' }], { client: 10, accepted: 10 }],
    [
      'another port',
      (port) => [{ port: port === 1 ? 2 : 1, policy: '10:1:2' }],
      { client: 30, accepted: 30, listener: 30 },
    ],
    ['a role', () => [{ role: 'client', policy: '10:1:2' }], { client: 10, accepted: 30, listener: 30 }],
    ['the other role', () => [{ role: 'server', policy: '10:1:2' }], { client: 30, accepted: 10, listener: 10 }],
    ['a block', () => [{ remote: '127.0.0.0/8', policy: '10:1:2' }], { client: 10, accepted: 10, listener: 'off' }],
    [
      'another block',
      () => [{ remote: '10.0.0.0/8', policy: '10:1:2' }],
      { client: 30, accepted: 30, listener: 'off' },
    ],
    [
      'an address as a host',
      () => [{ host: '127.0.0.*', policy: '10:1:2' }],
      { client: 10, accepted: 30, listener: 30 },
    ],
    ['off', () => [{ role: 'client', policy: 'off' }], { client: 'off', accepted: 30, listener: 30 }],
    [
      'off for one block',
      () => [{ role: 'server', remote: '127.0.0.1', policy: 'off' }],
      { client: 30, accepted: 'off' },
    ],
    [
      'all of what a rule states must match',
      (port) => [{ port, role: 'client', remote: '10.0.0.0/8', policy: '10:1:2' }],
      { client: 30, accepted: 30, listener: 30 },
    ],
    [
      'the first of two',
      (port) => [
        { port, policy: '10:1:2' },
        { remote: '0.0.0.0/0', policy: '20:1:2' },
      ],
      { client: 10, accepted: 10, listener: 10 },
    ],
  ])('%s', async (_, rules, expected) => {
    expect(await outcome(rules)).toMatchObject(expected);
  });

  it('a host name, whatever its case', async () => {
    const rules = () => [{ host: 'LocalHost', policy: '10:1:2' }];
    expect(await outcome(rules, 'localhost')).toEqual({ client: 10, accepted: 30, listener: 30 });
  });

  it('a mapped address is in a block of IPv4', async () => {
    apply([{ remote: '127.0.0.0/8', policy: '10:1:2' }]);
    const server = await listening(net.createServer(), '::');
    const [client, accepted] = await connected(server, '::ffff:127.0.0.1');
    expect([idleOf(client), idleOf(accepted)]).toEqual([10, 10]);
  });

  it('without a policy, only what a rule names', async () => {
    const { status } = apply([{ role: 'server', policy: '10:1:2' }], 'unmanaged');
    const [client, accepted] = await connected(await listening(net.createServer()));
    expect([idleOf(client), idleOf(accepted)]).toEqual(['off', 10]);
    client.setKeepAlive(true, 60_000);
    expect(getKeepAlive(client)).toMatchObject({ enabled: true, idle: 60_000, interval: 1000, count: 10 });
    expect(status()).toMatchObject({ set: 0, inherited: 1, listeners: 1, skipped: { unmanaged: 1 } });
  });

  it('with a rule that asks for the peer, connections are decided on before a program sees them', async () => {
    const { status } = apply([{ remote: '127.0.0.1', policy: '10:1:2' }]);
    const seen: unknown[] = [];
    const server = net.createServer((socket) => seen.push(idleOf(socket)));
    await connected(await listening(server));
    expect(seen).toEqual([10]);
    expect(status()).toMatchObject({ set: 2, inherited: 0, listeners: 0 });
  });
});

describe('what is wrong is refused with its field, and nothing is in force', () => {
  it.each<[unknown, string, RegExp]>([
    [{ policy: '30:5' }, 'rules[0].policy', /idle:interval:count/],
    [{ policy: { idle: 1 } }, 'rules[0].policy.idle', /whole number of seconds/],
    [{ policy: '30:5:3', role: 'peer' }, 'rules[0].role', /'client' or 'server'/],
    [{ policy: '30:5:3', port: 70_000 }, 'rules[0].port', /local:443/],
    [{ policy: '30:5:3', port: '9-1' }, 'rules[0].port', /local:443/],
    [{ policy: '30:5:3', remote: '10.0.0.0/40' }, 'rules[0].remote', /10\.0\.0\.0\/8/],
    [{ policy: '30:5:3', host: '' }, 'rules[0].host', /not empty/],
    [{ policy: '30:5:3', hots: 'a' }, 'rules[0]', /unknown field "hots"; did you mean "host"\?/],
    [{}, 'rules[0].policy', /policy text/],
    [{ policy: { idle: 30, interval: 5, count: 3 } }, 'rules[0].policy.idle', /got 30 ms; did you mean '30s'\?/],
    [{ policy: { idel: '30s' } }, 'rules[0].policy', /got a field "idel"/],
    ['30:5:3', 'rules[0]', /an object/],
    [null, 'rules[0]', /an object/],
  ])('%j', (rule, field, message) => {
    const error = (() => {
      try {
        applyToProcess('30:5:3', { rules: [rule as PolicyRule] });
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toMatchObject({ name: 'ConfigurationError', source: 'applyToProcess', field });
    expect((error as Error).message).toMatch(message);
    expect(net.Socket.prototype.setKeepAlive.toString()).not.toContain('isActive');
  });

  it.each<[string, object, string]>([
    ['a policy', { policy: '30:5:200' }, 'policy.count'],
    ['a mode', { mode: 'force' }, 'mode'],
    ['a misspelt option', { mdoe: 'fill' }, 'mdoe'],
    ['rules', { rules: {} }, 'rules'],
    ['onApplied', { onApplied: 1 }, 'onApplied'],
    ['a signal', { summarySignal: 'SIGNOTHING' }, 'summarySignal'],
    ['a signal that cannot be caught', { summarySignal: 'SIGKILL' }, 'summarySignal'],
  ])('%s', (_, { policy = '30:5:3', ...options }: { policy?: string }, field) => {
    expect(() => applyToProcess(policy, options)).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', field }),
    );
  });
});
