import net from 'node:net';

/** The classes as they were when this module was loaded: a test of a program may have stubbed them in `node:net`. */
export const { Server, Socket } = net;

/** A socket that is bound and neither connected nor listening: `net.BoundSocket` of Node.js 26. */
export interface BoundSocket {
  fd(): number;
}

export const { BoundSocket } = net as { readonly BoundSocket?: abstract new () => BoundSocket };
