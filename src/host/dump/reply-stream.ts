import { codeOfErrno, SystemCallError, UnsupportedError } from '../../native/errors.js';
import { type DiagnosisSocket, netlinkBufferLength } from '../../native/socket/netlink-socket.js';
import {
  encodeCompatRequest,
  extensionBit,
  INET_DIAG_INFO,
  INET_DIAG_REQ_BYTECODE,
  TCPDIAG_GETSOCK,
} from '../../wire/inet-diag/messages.js';
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
} from '../../wire/netlink.js';

/** What is asked of the kernel, ready to be sent. */
export interface DumpRequest {
  readonly states: number;
  readonly info: boolean;
  readonly bytecode: Uint8Array | undefined;
}

/** Who is told what the kernel answers. */
export interface DumpVisitor {
  /** An answer of several sockets begins. */
  onAnswer(): void;
  /** Its description lies between `start` and `end`, and stays there where TCP_INFO was asked for. */
  onSocket(view: DataView, message: NetlinkMessage): void;
}

/** How a reading of the list ended. */
export interface DumpEnd {
  /** Whether the kernel said that the list changed while it was read. */
  readonly interrupted: boolean;
  /** Why it did not come to the end that the kernel announces. */
  readonly error: Error | undefined;
}

/** Answers are received one after the other into pieces of this size, which the connections then refer to. */
const pieceLength = 32 * netlinkBufferLength;

function encodeDump({ states, info, bytecode }: DumpRequest, sequence: number): Uint8Array {
  return encodeMessage({
    type: TCPDIAG_GETSOCK,
    flags: NLM_F_REQUEST | NLM_F_DUMP,
    sequence,
    payload: encodeCompatRequest({ extensions: info ? extensionBit(INET_DIAG_INFO) : 0, states }),
    attributes: bytecode === undefined ? [] : [{ type: INET_DIAG_REQ_BYTECODE, payload: bytecode }],
  });
}

function unreadable({ what }: Malformed): Error {
  return new Error(`the kernel's answer could not be read: ${what}`);
}

function refusal(code: string, { bytecode }: DumpRequest): Error {
  const cause = new SystemCallError('inet_diag', code, 'the kernel does not list its TCP sockets');
  if (code === 'ENOENT' || code === 'EPROTONOSUPPORT' || code === 'EOPNOTSUPP') {
    const requires = 'a kernel with inet_diag and tcp_diag (CONFIG_INET_TCP_DIAG)';
    return new UnsupportedError("listing the machine's connections", requires, cause);
  }
  if (code === 'EINVAL' && bytecode !== undefined) {
    const requires = 'Linux 4.16, and 5.9 with CONFIG_SOCK_CGROUP_DATA to select by cgroup';
    return new UnsupportedError('this filter', requires, cause);
  }
  return cause;
}

/** One reading of the kernel's list, from the request to the end that the kernel announces. */
class ReplyStream {
  readonly #socket: DiagnosisSocket;
  readonly #request: DumpRequest;
  readonly #sequence: number;
  readonly #visitor: DumpVisitor;
  #piece = new Uint8Array(0);
  #view = new DataView(this.#piece.buffer);
  #used = 0;
  #interrupted = false;
  #done = false;
  #error: Error | undefined;

  constructor(socket: DiagnosisSocket, request: DumpRequest, sequence: number, visitor: DumpVisitor) {
    this.#socket = socket;
    this.#request = request;
    this.#sequence = sequence;
    this.#visitor = visitor;
  }

  read(): DumpEnd {
    this.#socket.send(encodeDump(this.#request, this.#sequence));
    while (!this.#done) this.#receive();
    return { interrupted: this.#interrupted, error: this.#error };
  }

  #receive(): void {
    this.#makeRoom();
    const start = this.#used;
    let received: number;
    try {
      received = this.#socket.receive(this.#piece.subarray(start, start + netlinkBufferLength));
    } catch (error) {
      this.#stop(error as Error);
      return;
    }
    this.#visitor.onAnswer();
    const end = start + received;
    const fault =
      received === 0
        ? { what: 'an empty answer', at: 0 }
        : readMessages(this.#view, start, end, (message) => this.#readMessage(message));
    if (fault !== undefined) this.#stop(unreadable(fault));
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
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.#interrupted = true;
    if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
      const errno = errnoOfAnswer(this.#view, message);
      if (typeof errno !== 'number') this.#stop(unreadable(errno));
      else this.#stop(errno === 0 ? undefined : refusal(codeOfErrno(errno), this.#request));
      return false;
    }
    if (message.type === TCPDIAG_GETSOCK) this.#visitor.onSocket(this.#view, message);
    return true;
  }

  #stop(error: Error | undefined): void {
    this.#done = true;
    this.#error = error;
  }
}

/** Asks the kernel for its list and tells the visitor of each socket in it. */
export function readReplies(
  socket: DiagnosisSocket,
  request: DumpRequest,
  sequence: number,
  visitor: DumpVisitor,
): DumpEnd {
  return new ReplyStream(socket, request, sequence, visitor).read();
}
