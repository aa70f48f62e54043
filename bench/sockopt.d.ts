/** The package has no types of its own. */
declare module 'sockopt' {
  import type net from 'node:net';

  export function getsockopt(socket: net.Socket, level: number, option: number): number;
  export function setsockopt(socket: net.Socket, level: number, option: number, value: number): void;
}
