import type { Handle } from '../node/handle.js';
import { hostOf, nameOf, ownerOf, peerOf } from '../node/tcp-handle.js';
import { type Endpoint, endpointText } from '../wire/endpoint.js';

/** The ends of a connection or listener, as far as they are known. */
export interface ConnectionEnds {
  /** The host name or address that the program passed to `connect`. */
  readonly host?: string | undefined;
  readonly remote?: Endpoint | undefined;
  readonly local?: Endpoint | undefined;
}

/** Returns the ends of a handle. Of a handle that is still connecting, the kernel does not know the peer: `remote` is used. */
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
