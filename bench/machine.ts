import { availableParallelism, release } from 'node:os';

/** Where and when something was measured, in general terms. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly platform: string;
  readonly kernel: string;
  readonly cpus: number;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    cpus: availableParallelism(),
  };
}
