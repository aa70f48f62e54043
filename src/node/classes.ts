import net from 'node:net';

/** Classes of `node:net`, taken when this module is loaded: a program's tests may stub the classes in `node:net` later. */
export const { Server, Socket } = net;

/** A socket that is bound and neither connected nor listening: `net.BoundSocket` of Node.js 26. */
export interface BoundSocket {
  fd(): number;
}

export const { BoundSocket } = net as { readonly BoundSocket?: abstract new () => BoundSocket };
