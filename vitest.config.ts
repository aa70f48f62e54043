import { defineConfig } from 'vitest/config';

// Tests with kernel timers mostly wait, so more of them run side by side than there are cores.
const waiting = {
  setupFiles: 'test/leaks.ts',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  pool: 'forks',
  maxConcurrency: 40,
} as const;

export default defineConfig({
  test: {
    maxWorkers: 4,
    projects: [
      {
        test: {
          ...waiting,
          name: 'core',
          include: ['src/**/*.test.ts', 'test/{socket,article,testing,cli,host,process,wire}/**/*.test.ts'],
        },
      },
      {
        test: { ...waiting, name: 'drivers', include: ['test/drivers/**/*.test.ts'] },
      },
      {
        test: { ...waiting, name: 'faults', include: ['test/faults/**/*.test.ts'] },
      },
      {
        test: { ...waiting, name: 'package', include: ['test/{package,docs,lint}/**/*.test.ts'] },
      },
    ],
  },
});
