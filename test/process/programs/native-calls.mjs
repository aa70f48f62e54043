import koffi from 'koffi';

// What native code does to sockets, by calls of the C library that Node.js and the package under test know nothing of.
const libc = koffi.load(null);
const socket = libc.func('int socket(int, int, int)');
const connect = libc.func('int connect(int, const void *, uint32_t)');
const bind = libc.func('int bind(int, const void *, uint32_t)');
const listen = libc.func('int listen(int, int)');
const accept = libc.func('int accept(int, void *, void *)');
const getsockname = libc.func('int getsockname(int, void *, void *)');
const getsockopt = libc.func('int getsockopt(int, int, int, void *, void *)');
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');

export const close = libc.func('int close(int)');

const [AF_INET, SOCK_STREAM] = [2, 1];

function checked(result, call) {
  if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`);
  return result;
}

function loopback(port) {
  const address = new DataView(new ArrayBuffer(16));
  new Uint16Array(address.buffer, 0, 1)[0] = AF_INET;
  address.setUint16(2, port);
  address.setUint32(4, 0x7f000001);
  return address;
}

export function openSocket() {
  return checked(socket(AF_INET, SOCK_STREAM, 0), 'socket');
}

export function connectTo(port, fd = openSocket()) {
  checked(connect(fd, loopback(port), 16), 'connect');
  return fd;
}

export function listenAnywhere() {
  const fd = openSocket();
  checked(bind(fd, loopback(0), 16), 'bind');
  checked(listen(fd, 16), 'listen');
  const address = new DataView(new ArrayBuffer(16));
  checked(getsockname(fd, address, new Uint32Array([16])), 'getsockname');
  return { fd, port: address.getUint16(2) };
}

export function acceptOn(fd) {
  return checked(accept(fd, null, null), 'accept');
}

function read(fd, level, option) {
  const value = new Int32Array(1);
  checked(getsockopt(fd, level, option, value, new Uint32Array([4])), 'getsockopt');
  return value[0];
}

export function set(fd, level, option, value) {
  checked(setsockopt(fd, level, option, new Int32Array([value]), 4), 'setsockopt');
}

export const [SOL_SOCKET, SO_KEEPALIVE, IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT] = [
  1, 9, 6, 4, 5, 6, 18,
];

/** What the kernel says, in seconds: `30:5:3`, and `off` where it does not probe; the user timeout in ms follows if set. */
export function keepAliveOf(fd) {
  if (read(fd, SOL_SOCKET, SO_KEEPALIVE) === 0) return 'off';
  const times = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map((option) => read(fd, IPPROTO_TCP, option));
  const userTimeout = read(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
  return [...times, ...(userTimeout > 0 ? [`${userTimeout}ms`] : [])].join(':');
}
