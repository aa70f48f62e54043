import { type InetDiagAttributes, locateAttributes } from '../../wire/inet-diag/attributes.js';
import { AF_INET, AF_INET6 } from '../../wire/inet-diag/messages.js';
import type { NetlinkMessage } from '../../wire/netlink.js';
import type { HostConnection, Omission } from '../list/connection.js';
import { AddressTexts, dumpedConnection } from './dumped-connection.js';
import type { DumpVisitor } from './reply-stream.js';

/**
 * A dump goes on at a position in a chain of the kernel's hash table, so that a socket which enters that chain between
 * two answers makes the last of one answer appear again as the first of the next.
 */
const greatestOverlap = 16;

/** Makes connections of the kernel's answers. */
export class DumpReader implements DumpVisitor {
  readonly connections: HostConnection[] = [];
  readonly incomplete: Omission[] = [];
  /** Whether the kernel went on with the list in another answer. */
  isInPieces = false;

  readonly #netns: number;
  readonly #texts = new AddressTexts();
  readonly #attributes: InetDiagAttributes = { infoAt: 0, infoLength: 0, cgroupIdAt: 0 };
  #atStart = 0;
  #before: ReadonlySet<bigint> = new Set();

  constructor(netns: number) {
    this.#netns = netns;
  }

  onAnswer(): void {
    if (this.connections.length === this.#atStart) return;
    this.#before = new Set(this.connections.slice(-greatestOverlap).map(({ cookie }) => cookie));
    this.#atStart = this.connections.length;
  }

  onSocket(view: DataView, { start, end }: NetlinkMessage): void {
    const fault = locateAttributes(view, start, end, this.#attributes);
    if (fault !== undefined) {
      this.incomplete.push({ what: 'one connection', why: `the kernel's answer could not be read: ${fault.what}` });
      return;
    }
    const family = view.getUint8(start);
    if (family !== AF_INET && family !== AF_INET6) return;
    if (this.#atStart > 0) this.isInPieces = true;
    const connection = dumpedConnection(view, start, this.#attributes, this.#texts, this.#netns);
    const isRepeated = this.connections.length - this.#atStart < greatestOverlap && this.#before.has(connection.cookie);
    if (!isRepeated) this.connections.push(connection);
  }
}
