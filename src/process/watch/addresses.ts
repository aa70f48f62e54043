import type net from 'node:net';
import type { Handle } from '../../node/handle.js';
import { nameOf, peerOf } from '../../node/tcp-handle.js';
import type { Endpoint } from '../../wire/endpoint.js';

/** The texts of local addresses, which connections share. Limited, because a machine may get new addresses all the time. */
const localAddresses = new Map<string, string>();
const mostAddresses = 256;

function sharedText(address: string): string {
  const known = localAddresses.get(address);
  if (known !== undefined) return known;
  if (localAddresses.size >= mostAddresses) localAddresses.clear();
  localAddresses.set(address, address);
  return address;
}

/** Both, or nothing. */
function addressOf(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}

/** This end of a connection. The handle is asked, because a socket keeps what it is asked for. */
export function localEnd(handle: Handle, socket: net.Socket): Endpoint | undefined {
  const name = nameOf(handle);
  if (name === undefined) return addressOf(socket.localAddress, socket.localPort);
  return { address: sharedText(name.address), port: name.port };
}

/** The peer's end of a connection. */
export function remoteEnd(handle: Handle, socket: net.Socket): Endpoint | undefined {
  const name = peerOf(handle);
  if (name === undefined) return addressOf(socket.remoteAddress, socket.remotePort);
  return { address: name.address, port: name.port };
}
