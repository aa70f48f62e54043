import type { InetDiagAttributes } from '../../wire/inet-diag/attributes.js';
import { AF_INET6, inetDiagMsgOffsets, inetDiagSockidOffsets } from '../../wire/inet-diag/messages.js';
import { formatIPv4, formatIPv6, isMappedAddress } from '../../wire/ip-address.js';
import { decodeTcpInfoAt } from '../../wire/tcp-info/decode.js';
import { tcpStateOf } from '../../wire/tcp-info/state.js';
import type { HostConnection, TimerKind } from '../list/connection.js';

const timerKinds: readonly (TimerKind | undefined)[] = [
  undefined,
  'retransmission',
  'keepalive',
  'timewait',
  'persist',
];

/** The texts of the addresses of one dump: most of them are the same few. */
export class AddressTexts {
  readonly #ipv4 = new Map<number, string>();
  readonly #ipv6 = new Map<bigint, Map<bigint, string>>();

  read(view: DataView, at: number, isIPv6: boolean): string {
    return isIPv6 ? this.#readIPv6(view, at) : this.#textOfIPv4(view.getUint32(at));
  }

  #textOfIPv4(address: number): string {
    let text = this.#ipv4.get(address);
    if (text === undefined) {
      text = formatIPv4(address);
      this.#ipv4.set(address, text);
    }
    return text;
  }

  #readIPv6(view: DataView, at: number): string {
    if (isMappedAddress(view, at)) return this.#textOfIPv4(view.getUint32(at + 12));
    const high = view.getBigUint64(at);
    const low = view.getBigUint64(at + 8);
    let network = this.#ipv6.get(high);
    if (network === undefined) {
      network = new Map();
      this.#ipv6.set(high, network);
    }
    let text = network.get(low);
    if (text === undefined) {
      text = formatIPv6(view, at);
      network.set(low, text);
    }
    return text;
  }
}

const at = inetDiagMsgOffsets;
const atSource = at.id + inetDiagSockidOffsets.idiag_src;
const atDestination = at.id + inetDiagSockidOffsets.idiag_dst;
const atSourcePort = at.id + inetDiagSockidOffsets.idiag_sport;
const atDestinationPort = at.id + inetDiagSockidOffsets.idiag_dport;
const atCookie = at.id + inetDiagSockidOffsets.idiag_cookie;
const atInterface = at.id + inetDiagSockidOffsets.idiag_if;

/** A delay that a kernel before 4.19 gives for a timer that is overdue, which it counts below zero. */
const overdue = 2 ** 31;

/** Makes the connection of the answer at `start`. What TCP_INFO says is decoded from the buffer when it is asked for. */
export function dumpedConnection(
  view: DataView,
  start: number,
  { infoAt, infoLength, cgroupIdAt }: InetDiagAttributes,
  texts: AddressTexts,
  netns: number,
): HostConnection {
  const isIPv6 = view.getUint8(start + at.idiag_family) === AF_INET6;
  const kind = timerKinds[view.getUint8(start + at.idiag_timer)];
  const expiresMs = view.getUint32(start + at.idiag_expires, true);
  const info = infoAt === 0 ? undefined : decodeTcpInfoAt(view, infoAt, infoLength);
  return {
    family: isIPv6 ? 6 : 4,
    local: { address: texts.read(view, start + atSource, isIPv6), port: view.getUint16(start + atSourcePort) },
    remote: {
      address: texts.read(view, start + atDestination, isIPv6),
      port: view.getUint16(start + atDestinationPort),
    },
    state: tcpStateOf(view.getUint8(start + at.idiag_state)),
    timer: kind === undefined ? null : { kind, expiresMs: expiresMs < overdue ? expiresMs : 0 },
    // Without a timer inet_diag leaves its count at 0 (inet_sk_diag_fill()), whatever icsk_probes_out is.
    unanswered: kind === undefined ? (info?.probes ?? 0) : view.getUint8(start + at.idiag_retrans),
    receiveQueue: view.getUint32(start + at.idiag_rqueue, true),
    sendQueue: view.getUint32(start + at.idiag_wqueue, true),
    uid: view.getUint32(start + at.idiag_uid, true),
    inode: view.getUint32(start + at.idiag_inode, true),
    cookie: view.getBigUint64(start + atCookie, true),
    interfaceIndex: view.getUint32(start + atInterface, true),
    cgroupId: cgroupIdAt === 0 ? undefined : view.getBigUint64(cgroupIdAt, true),
    info,
    netns,
  };
}
