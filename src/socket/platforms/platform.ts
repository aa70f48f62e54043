import type { SocketOption } from '../../native/socket/socket-options.js';

/** A time option and the unit that this platform's kernel counts it in. */
export interface TimeOption extends SocketOption {
  readonly unitMs: 1 | 1000;
}

/** The socket options by which one platform's kernel knows a keepalive policy. */
export interface Platform {
  /** As in `process.platform`. */
  readonly name: string;
  readonly keepAlive: SocketOption;
  readonly idle: TimeOption;
  readonly interval: TimeOption;
  readonly count: SocketOption;
  readonly userTimeout: TimeOption;
  /** The option that reads `struct tcp_info`, where its layout is known here. */
  readonly tcpInfo?: SocketOption;
  /**
   * Whether an accepted connection takes the listener's options over and an idle listener may carry them.
   * Elsewhere the options are set on each connection.
   */
  readonly listenerOptionsInherited: boolean;
  /** Whether options are set through libc; Windows sockets have no descriptor that Node.js would give. */
  readonly hasDescriptors: boolean;
}
