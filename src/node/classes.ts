import net from 'node:net';

/** The classes as they were when this module was loaded: a test of a program may have stubbed them in `node:net`. */
export const { Server, Socket } = net;
