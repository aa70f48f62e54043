/**
 * Opens connections from this process, a bounded number at a time, and waits until the server has reset each one: so
 * none is left in TIME_WAIT. Sends 0 when it is ready, and answers each message with the
 * nanoseconds that the connections took.
 *
 * It calls libc directly and blocks, because a client made of net.Socket costs more than the server it is to load.
 */
import { constants } from 'node:os';
import koffi from 'koffi';

/** What the parent asks for. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** How many may be open, or waiting to be accepted, at a time; less than a listener's backlog of 511. */
  readonly atOnce: number;
}

const libc = koffi.load(null);
const socket = libc.func('int socket(int, int, int)');
const connect = libc.func('int connect(int, const void *, uint32_t)');
const read = libc.func('intptr_t read(int, void *, size_t)');
const close = libc.func('int close(int)');

const AF_INET = 2;
const SOCK_STREAM = 1;

/** include/uapi/linux/in.h: family (host order), port, address (network order), padding to 16 bytes. */
function loopbackAddress(port: number): Uint8Array {
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  address.set([127, 0, 0, 1], 4);
  return address;
}

function openConnection(address: Uint8Array): number {
  const fd = socket(AF_INET, SOCK_STREAM, 0) as number;
  const isConnected = fd >= 0 && connect(fd, address, address.length) === 0;
  // The server may have accepted and reset the connection before this process runs again to see that it was made.
  if (!isConnected && koffi.errno() !== constants.errno.ECONNRESET) throw new Error(`connect: errno ${koffi.errno()}`);
  return fd;
}

const byte = new Uint8Array(1);

/** Waits for the server's reset: a blocking read that fails with it. */
function awaitReset(fd: number): void {
  if (Number(read(fd, byte, 1)) > 0) throw new Error('the server sent data');
  close(fd);
}

function run({ port, connections, atOnce }: Load): number {
  const address = loopbackAddress(port);
  const open: number[] = [];
  const start = process.hrtime.bigint();
  for (let i = 0; i < connections; i += 1) {
    const oldest = open[i % atOnce];
    if (oldest !== undefined) awaitReset(oldest);
    open[i % atOnce] = openConnection(address);
  }
  for (const fd of open) awaitReset(fd);
  return Number(process.hrtime.bigint() - start);
}

process.on('message', (load: Load) => process.send?.(run(load)));
process.send?.(0);
process.on('disconnect', () => process.exit());
