import { codeOfErrno } from '../native/errors.js';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { type DiagnosisSocket, netlinkBufferLength } from '../native/netlink-socket.js';
import {
  AF_INET,
  AF_INET6,
  encodeCompatRequest,
  extensionBit,
  INET_DIAG_INFO,
  INET_DIAG_REQ_BYTECODE,
  TCPDIAG_GETSOCK,
} from '../wire/inet-diag.js';
import { type InetDiagAttributes, locateAttributes } from '../wire/inet-diag-attributes.js';
import {
  encodeMessage,
  errnoOfAnswer,
  type Malformed,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  readMessages,
} from '../wire/netlink.js';
import type { HostConnection, Incomplete } from './connection.js';
import { AddressTexts, dumpedConnection } from './dumped-connection.js';

/** What is asked of the kernel, ready to be sent. */
export interface DumpRequest {
  readonly states: number;
  readonly info: boolean;
  readonly bytecode: Uint8Array | undefined;
}

/** Answers are received one after the other into pieces of this size, which the connections then refer to. */
const pieceLength = 32 * netlinkBufferLength;

/**
 * A dump goes on at a position in a chain of the kernel's hash table, so that a socket which enters that chain between
 * two answers makes the last of one answer appear again as the first of the next.
 */
const greatestOverlap = 16;

/** One reading of the list, from the request to the end that the kernel announces. */
export class DumpReader {
  readonly connections: HostConnection[] = [];
  readonly incomplete: Incomplete[] = [];
  /** Whether the kernel said that the list changed while it was read. */
  interrupted = false;

  readonly #socket: DiagnosisSocket;
  readonly #request: DumpRequest;
  readonly #netns: number;
  readonly #sequence: number;
  readonly #texts = new AddressTexts();
  readonly #attributes: InetDiagAttributes = { infoAt: 0, infoLength: 0, cgroupIdAt: 0 };
  #piece = new Uint8Array(0);
  #view = new DataView(this.#piece.buffer);
  #used = 0;
  #done = false;
  #atStart = 0;
  #before: ReadonlySet<bigint> = new Set();

  constructor(socket: DiagnosisSocket, request: DumpRequest, netns: number, sequence: number) {
    this.#socket = socket;
    this.#request = request;
    this.#netns = netns;
    this.#sequence = sequence;
  }

  /** @throws {SystemCallError} or {@link UnsupportedError} when the kernel gives nothing at all. */
  read(): void {
    const { states, info, bytecode } = this.#request;
    const message = encodeMessage({
      type: TCPDIAG_GETSOCK,
      flags: NLM_F_REQUEST | NLM_F_DUMP,
      sequence: this.#sequence,
      payload: encodeCompatRequest({ extensions: info ? extensionBit(INET_DIAG_INFO) : 0, states }),
      attributes: bytecode === undefined ? [] : [{ type: INET_DIAG_REQ_BYTECODE, payload: bytecode }],
    });
    this.#socket.send(message);
    while (!this.#done) this.#receive();
  }

  #receive(): void {
    this.#makeRoom();
    let received: number;
    try {
      received = this.#socket.receive(this.#piece.subarray(this.#used, this.#used + netlinkBufferLength));
    } catch (error) {
      this.#stop(error as Error);
      return;
    }
    this.#before = new Set(this.connections.slice(-greatestOverlap).map(({ cookie }) => cookie));
    this.#atStart = this.connections.length;
    const start = this.#used;
    const end = start + received;
    const fault =
      received === 0
        ? { what: 'an empty answer', at: 0 }
        : readMessages(this.#view, start, end, (message) => this.#readMessage(message));
    if (fault !== undefined) this.#stop(new Error(`the kernel's answer could not be read: ${fault.what}`));
    if (this.#request.info) this.#used = end;
  }

  /** Connections read what TCP_INFO says of them from the piece itself, so it is not used again. */
  #makeRoom(): void {
    if (this.#used + netlinkBufferLength <= this.#piece.length) return;
    this.#piece = new Uint8Array(this.#request.info ? pieceLength : netlinkBufferLength);
    this.#view = new DataView(this.#piece.buffer);
    this.#used = 0;
  }

  #readMessage(message: NetlinkMessage): boolean {
    if (message.sequence !== this.#sequence) return true;
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.interrupted = true;
    if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
      this.#finish(errnoOfAnswer(this.#view, message));
      return false;
    }
    if (message.type === TCPDIAG_GETSOCK) this.#readSocket(message);
    return true;
  }

  #readSocket({ start, end }: NetlinkMessage): void {
    const fault = locateAttributes(this.#view, start, end, this.#attributes);
    if (fault !== undefined) {
      this.incomplete.push({ what: 'one connection', why: `the kernel's answer could not be read: ${fault.what}` });
      return;
    }
    const family = this.#view.getUint8(start);
    if (family !== AF_INET && family !== AF_INET6) return;
    const connection = dumpedConnection(this.#view, start, this.#attributes, this.#texts, this.#netns);
    const isRepeated = this.connections.length - this.#atStart < greatestOverlap && this.#before.has(connection.cookie);
    if (!isRepeated) this.connections.push(connection);
  }

  #finish(errno: number | Malformed): void {
    this.#done = true;
    if (errno === 0) return;
    if (typeof errno !== 'number') this.#stop(new Error(`the kernel's answer could not be read: ${errno.what}`));
    else this.#stop(this.#refusal(codeOfErrno(errno)));
  }

  /** Ends with what there is, or with the error when there is nothing. */
  #stop(error: Error): void {
    this.#done = true;
    if (this.connections.length === 0) throw error;
    const what = `the connections after the first ${this.connections.length}`;
    this.incomplete.push({ what, why: error.message });
  }

  #refusal(code: string): Error {
    const cause = new SystemCallError('inet_diag', code, 'the kernel does not list its TCP sockets');
    if (code === 'ENOENT' || code === 'EPROTONOSUPPORT' || code === 'EOPNOTSUPP') {
      const requires = 'a kernel with inet_diag and tcp_diag (CONFIG_INET_TCP_DIAG)';
      return new UnsupportedError("listing the machine's connections", requires, cause);
    }
    if (code === 'EINVAL' && this.#request.bytecode !== undefined) {
      const requires = 'Linux 4.16, and 5.9 with CONFIG_SOCK_CGROUP_DATA to select by cgroup';
      return new UnsupportedError('this filter', requires, cause);
    }
    return cause;
  }
}
