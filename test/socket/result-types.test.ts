import net from 'node:net';
import { expect, expectTypeOf, it } from 'vitest';
import { getKeepAlive, type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';

it('gives numbers for a connection, once the result says that they are in force', async () => {
  using pair = await loopbackPair();
  const result = setKeepAlive(pair.client, '30:5:3');
  if (result.status === 'pending' || result.readBack === false) throw new Error('it is connected, and on Linux');
  expectTypeOf(result).toExtend<KeepAliveState>();
  expectTypeOf(result).not.toHaveProperty('connections');
  expectTypeOf(getKeepAlive(pair.client).userTimeout).toEqualTypeOf<number>();
  expectTypeOf(getKeepAlive(pair.client)).not.toHaveProperty('connections');
  expect(result.idle + result.interval * result.count).toBe(45_000);
});

it('says of a server how its connections get the options, unless the server does not listen yet', () => {
  const result = setKeepAlive(net.createServer(), '30:5:3');
  expectTypeOf(result).toHaveProperty('connections');
  expectTypeOf(result).not.toHaveProperty('deferred');
  if (result.status === 'pending') expect(result.connections).toBeUndefined();
  else expectTypeOf(result.connections).toEqualTypeOf<'inherited' | 'set-on-accept'>();
  expect(result.status).toBe('pending');
});
