import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  applyToProcess,
  getKeepAlive,
  type KeepAlivePolicy,
  type ProcessOptions,
  type ProcessPolicy,
  setKeepAlive,
} from '../../src/index.js';
import { accepted, closing, connected, listening, portOf } from '../endpoints.js';

let inForce: ProcessPolicy | undefined;
afterEach(() => inForce?.close());

const policy = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 45_000 };
const partial: readonly [KeepAlivePolicy | true, object][] = [
  [true, policy],
  [{ count: 5 }, { ...policy, count: 5 }],
  [{ idle: 10_000 }, { ...policy, idle: 10_000 }],
  [{ userTimeout: 0 }, { ...policy, userTimeout: 0 }],
];

describe.each<ProcessOptions>([{}, { mode: 'fill' }, { rules: [{ remote: '10.0.0.0/8', policy: '60:1:2' }] }])(
  'a policy of the program that leaves numbers out, under that of the process with %j',
  (options) => {
    it.each(partial)('%j leaves the same on an open connection and on one that is not open yet', async (own, state) => {
      inForce = applyToProcess('30:5:3:auto', options);
      const server = await listening(net.createServer());
      const [open] = await connected(server);
      expect(setKeepAlive(open, own)).toEqual(state);
      const pending = closing(new net.Socket());
      const promised = setKeepAlive(pending, own);
      pending.connect(portOf(server), '127.0.0.1');
      await once(pending, 'connect');
      expect(getKeepAlive(pending)).toEqual(state);
      // Where a rule asks for the peer, a number that nobody has stated is not known yet.
      const known = Object.entries(promised).filter(([, value]) => value !== null);
      expect(Object.fromEntries(known)).toEqual(
        options.rules === undefined ? { ...state, status: 'pending' } : expect.objectContaining({ status: 'pending' }),
      );
      for (const [field, value] of known) if (field !== 'status') expect(state).toHaveProperty(field, value);
    });

    it.each(partial)('%j leaves the same on the connections of a server, listening or not yet', async (own, state) => {
      inForce = applyToProcess('30:5:3:auto', options);
      const early = closing(net.createServer());
      setKeepAlive(early, own);
      early.listen(0, '127.0.0.1');
      await once(early, 'listening');
      const late = await listening(net.createServer());
      setKeepAlive(late, own);
      for (const server of [early, late]) {
        closing(net.connect(portOf(server), '127.0.0.1'));
        expect(getKeepAlive(await accepted(server))).toEqual(state);
      }
    });
  },
);
