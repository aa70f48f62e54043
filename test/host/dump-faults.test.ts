import { describe, expect, it } from 'vitest';
import { allStates, type Dump, type DumpQuery, dumpThrough } from '../../src/host/dump/dump.js';
import { SystemCallError, UnsupportedError } from '../../src/index.js';
import type { DiagnosisSocket } from '../../src/native/socket/netlink-socket.js';
import { encodeInetDiagMessage } from '../../src/wire/inet-diag/messages.js';
import { encodeMessage, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR } from '../../src/wire/netlink.js';

type Answer = (sequence: number) => Uint8Array;

const joined =
  (...answers: Answer[]): Answer =>
  (sequence) =>
    Buffer.concat(answers.map((answer) => answer(sequence)));

const errno = (number: number) => new Uint8Array(Int32Array.of(-number).buffer);

const done =
  (number = 0): Answer =>
  (sequence) =>
    encodeMessage({ type: NLMSG_DONE, flags: 2, sequence, payload: errno(number) });

const refusal =
  (number: number): Answer =>
  (sequence) =>
    encodeMessage({
      type: NLMSG_ERROR,
      flags: 0,
      sequence,
      payload: new Uint8Array([...errno(number), ...new Uint8Array(16)]),
    });

interface RowDetails {
  readonly cookie?: number;
  readonly state?: number;
  readonly family?: number;
  readonly flags?: number;
  /** TCPDIAG_GETSOCK, or SOCK_DIAG_BY_FAMILY where one socket was asked for. */
  readonly type?: number;
}

/** A socket with the ports 1 and `port`, whose cookie is `port` too. */
const row =
  (port: number, { cookie = port, state = 1, family = 2, flags = 2, type = 18 }: RowDetails = {}): Answer =>
  (sequence) => {
    const id = { source: new Uint8Array(16), destination: new Uint8Array(16), interfaceIndex: 0 };
    const payload = encodeInetDiagMessage({
      family,
      state,
      timer: 0,
      retransmits: 0,
      id: { ...id, sourcePort: 1, destinationPort: port, cookie: BigInt(cookie) },
      expiresMs: 0,
      receiveQueue: 0,
      sendQueue: 0,
      uid: 0,
      inode: 0,
    });
    return encodeMessage({ type, flags, sequence, payload });
  };

interface FakeKernel {
  readonly requests: Uint8Array[];
  closed: number;
}

/** Dumps from a kernel that gives `answers` one by one; one that is an error fails to be received. */
function dumpFrom(answers: (Answer | Error)[], query: DumpQuery = {}): Dump & { kernel: FakeKernel } {
  const kernel: FakeKernel = { requests: [], closed: 0 };
  const open = (): DiagnosisSocket => ({
    send: (message) => void kernel.requests.push(message.slice()),
    receive: (buffer) => {
      const answer = answers.shift();
      if (answer === undefined) throw new Error('the test has no further answer');
      if (answer instanceof Error) throw answer;
      const bytes = answer(kernel.requests.length);
      buffer.set(bytes);
      return bytes.length;
    },
    close: () => void kernel.closed++,
  });
  try {
    return { ...dumpThrough(open, query), kernel };
  } finally {
    expect(kernel.closed).toBe(1);
  }
}

const portsOf = ({ connections }: Dump) => connections.map(({ remote }) => remote.port);

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('a list that changes while it is read (NLM_F_DUMP_INTR)', () => {
  it('is read again, and that is said', () => {
    const answers = [row(1, { flags: 2 | NLM_F_DUMP_INTR }), done(), joined(row(2), row(3)), done()];
    const dump = dumpFrom(answers);
    expect(portsOf(dump)).toEqual([2, 3]);
    expect(dump).toMatchObject({ interrupted: 1, incomplete: [] });
    expect(dump.kernel.requests).toHaveLength(2);
  });

  it('is given as it is when it never holds still', () => {
    const answers = Array.from({ length: 4 }, (_, index) => joined(row(index, { flags: 2 | NLM_F_DUMP_INTR }), done()));
    const dump = dumpFrom(answers);
    expect(portsOf(dump)).toEqual([3]);
    expect(dump.interrupted).toBe(3);
    expect(dump.incomplete).toEqual([
      {
        what: 'connections that came or went meanwhile',
        why: 'the list changed each of the 4 times that it was read (NLM_F_DUMP_INTR)',
      },
    ]);
  });

  it('does not show a socket twice that two answers hold', () => {
    const dump = dumpFrom([joined(row(1), row(2)), joined(row(2), row(3)), done(), row(1), row(2), row(3), done()]);
    expect(portsOf(dump)).toEqual([1, 2, 3]);
    expect(dump.incomplete).toEqual([]);
  });
});

describe('a list that changes unnoticed between two answers', () => {
  const inPieces = [joined(row(1), row(2)), row(4), done()];
  /** The answer to the question about one socket, which is the `index`th. */
  const one = (port: number, details: RowDetails = {}, index = 0): Answer => {
    const answer = row(port, { ...details, flags: 0, type: 20 });
    return () => answer(index);
  };

  it('is not read again where nobody asks for that', () => {
    expect(dumpFrom([...inPieces]).kernel.requests).toHaveLength(1);
  });

  it('is not read again when one answer held it all', () => {
    expect(dumpFrom([joined(row(1), row(2)), done()], { findMissed: true }).kernel.requests).toHaveLength(1);
    expect(dumpFrom([done()]).kernel.requests).toHaveLength(1);
  });

  it('is read again, and what that has more is asked for', () => {
    const dump = dumpFrom([...inPieces, joined(row(1), row(2), row(3), row(4), done()), one(3)], {
      info: true,
      findMissed: true,
    });
    expect(portsOf(dump)).toEqual([1, 2, 4, 3]);
    expect(dump).toMatchObject({ interrupted: 0, incomplete: [] });
    const [list, again, single] = dump.kernel.requests.map((request) => Buffer.from(request));
    const extensionsOf = (request: Buffer | undefined, at: number) => request?.readUInt8(16 + at);
    // All that is known of each is asked for once: TCP_INFO is bit 1 of idiag_ext.
    expect([extensionsOf(list, 3), extensionsOf(again, 3), extensionsOf(single, 2)]).toEqual([2, 0, 2]);
    expect(single?.readBigUInt64LE(16 + 8 + 40)).toBe(3n);
  });

  it('may have lost what is asked for by then', () => {
    const gone: Answer = () => refusal(2)(0);
    const dump = dumpFrom([...inPieces, joined(row(3), row(4), done()), gone]);
    expect(portsOf(dump)).toEqual([1, 2, 4]);
    expect(dump.incomplete).toEqual([]);
  });

  it('has a connection once that got another cookie, and listeners with the same ends', () => {
    const timeWait = { cookie: 9, state: 6 };
    const listener = { cookie: 8, state: 10 };
    const first = [joined(row(1), row(2)), row(4, { state: 10 }), done()];
    const answers = [
      ...first,
      joined(row(2, timeWait), row(4, listener), done()),
      one(2, timeWait),
      one(4, listener, 1),
    ];
    const dump = dumpFrom(answers, { states: allStates, findMissed: true });
    expect(dump.connections.map(({ remote, state }) => [remote.port, state])).toEqual([
      [1, 'ESTABLISHED'],
      [2, 'ESTABLISHED'],
      [4, 'LISTEN'],
      [4, 'LISTEN'],
    ]);
  });

  it('does not give a state that nobody asked for', () => {
    const dump = dumpFrom([...inPieces, joined(row(3), done()), one(3, { state: 6 })]);
    expect(portsOf(dump)).toEqual([1, 2, 4]);
  });

  it.each([
    ['falls silent', new SystemCallError('recv(netlink)', 'EAGAIN', 'it did not answer for 5 s'), /did not answer/],
    ['refuses', done(105), /ENOBUFS/],
    ['cannot be read', joined(row(3), () => new Uint8Array(16)), /could not be read/],
  ] as [string, Answer | Error, RegExp][])('is kept when the second reading %s, and that is said', (_, last, why) => {
    const dump = dumpFrom([...inPieces, last], { findMissed: true });
    expect(portsOf(dump)).toEqual([1, 2, 4]);
    expect(dump.incomplete).toEqual([
      { what: 'connections that came or went meanwhile', why: expect.stringMatching(why) },
    ]);
  });
});

describe('a kernel that cannot list its sockets', () => {
  it.each([
    ['ENOENT', 2, refusal],
    ['ENOENT', 2, done],
    ['EPROTONOSUPPORT', 93, refusal],
    ['EOPNOTSUPP', 95, refusal],
  ])('is unsupported: %s', (code, number, how) => {
    const error = errorOf(() => dumpFrom([how(number)]));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toMatch(/inet_diag and tcp_diag/);
    expect((error.cause as SystemCallError).code).toBe(code);
  });

  it('and one that knows no such filter', () => {
    const filter = { kind: 'cgroup', id: 1n } as const;
    expect(() => dumpFrom([refusal(22)], { filter })).toThrow(
      /this filter is not supported here .*Linux 4\.16, and 5\.9/,
    );
    expect(() => dumpFrom([refusal(22)])).toThrow(SystemCallError);
  });

  it('and one that does not open the socket', () => {
    const cause = new UnsupportedError('listing', 'inet_diag');
    const open = () => {
      throw cause;
    };
    expect(errorOf(() => dumpThrough(open, {}))).toBe(cause);
  });

  it('says what it refuses otherwise', () => {
    const error = errorOf(() => dumpFrom([refusal(1)]));
    expect(error).toMatchObject({ name: 'SystemCallError', code: 'EPERM', syscall: 'inet_diag' });
  });
});

describe('a dump that breaks off', () => {
  const silent = new SystemCallError('recv(netlink)', 'EAGAIN', 'it did not answer for 5 s');
  const zeros: Answer = () => new Uint8Array(32);

  it.each([
    ['because the kernel falls silent', silent, /EAGAIN, it did not answer/],
    ['with an error', done(105), /ENOBUFS/],
    ['in a message that claims no length', zeros, /could not be read: a message claims a length of 0/],
    ['in an empty answer', () => new Uint8Array(0), /an empty answer/],
  ] as [string, Answer | Error, RegExp][])('%s, keeps what it has', (_, last, why) => {
    const dump = dumpFrom([joined(row(1), row(2)), last]);
    expect(portsOf(dump)).toEqual([1, 2]);
    expect(dump.incomplete).toEqual([{ what: 'the connections after the first 2', why: expect.stringMatching(why) }]);
    expect(() => dumpFrom([last])).toThrow(why);
  });

  it('leaves out a socket that is cut off', () => {
    const short: Answer = (sequence) => encodeMessage({ type: 18, flags: 2, sequence, payload: new Uint8Array(71) });
    const dump = dumpFrom([joined(row(1), short, row(2)), done()]);
    expect(portsOf(dump)).toEqual([1, 2]);
    expect(dump.incomplete).toEqual([{ what: 'one connection', why: expect.stringMatching(/is cut off/) }]);
  });

  it('passes over what does not answer the request', () => {
    const other: Answer = (sequence) => row(9)(sequence + 5);
    const noop: Answer = (sequence) => encodeMessage({ type: 1, flags: 0, sequence, payload: new Uint8Array(0) });
    const dump = dumpFrom([joined(other, noop, row(1), row(2, { family: 99 })), done()]);
    expect(portsOf(dump)).toEqual([1]);
    expect(dump.incomplete).toEqual([]);
  });
});
