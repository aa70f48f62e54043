import type { SocketOption } from '../../native/socket/socket-options.js';
import type { SettingField } from '../../policy/policy.js';

/** The option of a number. */
export interface SettingOption extends SocketOption {
  /** The unit that this platform's kernel counts a duration in. */
  readonly unitMs?: 1 | 1000;
  /** The sysctl of net.ipv4 that new sockets take the number from. Default: none, new sockets have 0. */
  readonly sysctl?: string;
  /** The first version of Linux with the option, where older ones are in use; the sysctl is as old. */
  readonly minimumKernel?: string;
}

/** The socket options by which one platform's kernel knows a keepalive policy. A platform leaves out what it has not. */
export interface Platform extends Readonly<Partial<Record<SettingField, SettingOption>>> {
  /** As in `process.platform`. */
  readonly name: string;
  readonly keepAlive: SocketOption;
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
