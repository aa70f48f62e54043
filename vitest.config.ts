import { defineConfig } from 'vitest/config';

// Tests with kernel timers mostly wait, so more of them run side by side than there are cores.
const waiting = {
  setupFiles: 'test/leaks.ts',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  pool: 'forks',
  maxConcurrency: 40,
} as const;

const scale = ['test/process/watch-scale.test.ts', 'test/process/burst.test.ts', 'test/host/large-dump.test.ts'];

export default defineConfig({
  test: {
    maxWorkers: 4,
    projects: [
      {
        test: {
          ...waiting,
          name: 'core',
          include: ['src/**/*.test.ts', 'test/{socket,article,testing,cli,host,process,wire,model}/**/*.test.ts'],
          exclude: scale,
        },
      },
      {
        // Many servers start side by side, RabbitMQ more than once; a busy machine takes minutes for that.
        test: {
          ...waiting,
          name: 'drivers',
          include: ['test/drivers/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: { ...waiting, name: 'faults', include: ['test/faults/**/*.test.ts'] },
      },
      {
        // These fill the machine, and the kernel drops packets where others do: they run last, and one after the other.
        test: { ...waiting, name: 'scale', include: scale, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
      {
        test: { ...waiting, name: 'package', include: ['test/{package,docs,lint}/**/*.test.ts'] },
      },
      {
        test: {
          ...waiting,
          name: 'consumers',
          include: ['test/consumers/*.test.ts'],
          globalSetup: 'test/consumers/set-up.ts',
          // Compilers and bundlers compute, each in a process of its own.
          maxWorkers: 2,
          maxConcurrency: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
