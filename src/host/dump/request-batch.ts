import { SystemCallError } from '../../native/errors.js';
import { type DiagnosisSocket, netlinkBufferLength } from '../../native/socket/netlink-socket.js';
import { type NetlinkMessage, readMessages } from '../../wire/netlink.js';

/** Requests that are sent together; their answers fit the socket's buffer many times over. */
const batchSize = 128;

/** What is asked about each of many things, and who is told. */
export interface RequestBatch<Subject> {
  /** What an error names. */
  readonly name: string;
  readonly subjects: readonly Subject[];
  /** The request that asks about one. */
  encode(subject: Subject, sequence: number): Uint8Array;
  /** Is told of the answer about the subject at `index`. */
  onAnswer(index: number, view: DataView, message: NetlinkMessage): void;
}

/** Asks about the subjects from `first` on. */
function askBatch<Subject>(socket: DiagnosisSocket, questions: RequestBatch<Subject>, first: number): void {
  const { name, subjects, encode, onAnswer } = questions;
  const batch = subjects.slice(first, first + batchSize);
  socket.send(Buffer.concat(batch.map((subject, index) => encode(subject, first + index))));
  const outstanding = new Set(batch.keys());
  const buffer = new Uint8Array(netlinkBufferLength);
  const view = new DataView(buffer.buffer);
  while (outstanding.size > 0) {
    const received = socket.receive(buffer);
    const fault = readMessages(view, 0, received, (message) => {
      if (outstanding.delete(message.sequence - first)) onAnswer(message.sequence, view, message);
    });
    if (fault !== undefined || received === 0) {
      const what = fault?.what ?? 'an empty answer';
      throw new SystemCallError(name, 'EPROTO', `the kernel's answer could not be read: ${what}`);
    }
  }
}

/**
 * Asks the kernel about each subject by a request that has one answer, many at a time. Their sequence numbers are those
 * of the subjects, from 0 on.
 *
 * @throws {SystemCallError} if the kernel falls silent, or its message cannot be read.
 */
export function requestEach<Subject>(socket: DiagnosisSocket, questions: RequestBatch<Subject>): void {
  for (let first = 0; first < questions.subjects.length; first += batchSize) askBatch(socket, questions, first);
}
