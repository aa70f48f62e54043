import { createRequire } from 'node:module';
import type net from 'node:net';

interface Sockopt {
  getsockopt(socket: net.Socket, level: number, option: number): number;
  setsockopt(socket: net.Socket, level: number, option: number, value: number): void;
}

// The package has no types of its own.
export const { getsockopt, setsockopt } = createRequire(import.meta.url)('sockopt') as Sockopt;
