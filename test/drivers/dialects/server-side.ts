import { once } from 'node:events';
import net from 'node:net';
import { formatPolicy } from '../../../src/index.js';
import type { KeepAliveState } from '../../../src/socket/state.js';
import { abort } from '../../endpoints.js';
import { moment } from '../../kernel/observation.js';
import { acceptedState } from '../connections.js';

/** The policy that a state amounts to, `off` if keepalive is. */
export function policyOf({ enabled, ...numbers }: KeepAliveState): string {
  const { userTimeout, rtoMax: _, ...others } = numbers;
  return enabled ? formatPolicy(userTimeout > 0 ? { ...others, userTimeout } : others) : 'off';
}

/** The policy that a server's end of a new connection has, once the server has answered what a client says. */
export async function policyOfServer(port: number, greeting: string): Promise<string> {
  const client = net.connect(port, '127.0.0.1').on('error', () => {});
  if (greeting !== '') client.write(greeting, 'latin1');
  await once(client, 'data');
  await moment(() => acceptedState(client) !== undefined, 'the options of the server are read');
  const state = acceptedState(client) as KeepAliveState;
  abort(client);
  return policyOf(state);
}
