import type { Handle } from '../node/handle.js';
import { hostOf, nameOf, ownerOf, peerOf } from '../node/tcp-handle.js';
import { type Endpoint, endpointText } from '../wire/endpoint.js';

/** The ends of a connection or listener, as far as they are known. */
export interface ConnectionEnds {
  /** As the program gave it. */
  readonly host?: string | undefined;
  readonly remote?: Endpoint | undefined;
  readonly local?: Endpoint | undefined;
}

/** Returns the ends of a handle. `remote` is the end that the handle connects to, which the kernel does not tell before it is connected. */
export function endsOf(handle: Handle, remote?: Endpoint): ConnectionEnds {
  return { host: hostOf(ownerOf(handle)), remote: peerOf(handle) ?? remote, local: nameOf(handle) };
}

/** Names a connection or listener in a line of text: `db.internal (10.0.0.5:5432), local port 43210`. */
export function connectionName({ host, remote, local }: ConnectionEnds): string {
  if (remote === undefined) return local === undefined ? 'unknown' : `listening on ${endpointText(local)}`;
  const isName = host !== undefined && host !== remote.address;
  const shown = isName && !/^[\w.:%-]{1,253}$/.test(host) ? JSON.stringify(host.slice(0, 253)) : host;
  return `${isName ? `${shown} (${endpointText(remote)})` : endpointText(remote)}, local port ${local?.port ?? 'unknown'}`;
}
