import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const leavesNothingRunning = './tools/test/leaves-nothing-running.ts';
// Starts only when a run has test files of a project that names it, and once per run for all of them.
const postgres = './tools/test/postgres.global.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // The store and the end-to-end tests wait on disks, sockets and other processes: with one worker a core, a
    // quarter of the cores' time is left over.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    retry: 0,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['packages/server/src/store/**'],
          setupFiles: [leavesNothingRunning],
          // Only a hang should end here: the lint rules' tests build whole programs, slow on a busy machine.
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'store',
          include: ['packages/server/src/store/**/*.test.ts'],
          setupFiles: [leavesNothingRunning],
          globalSetup: [postgres],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['packages/*/test/**/*.test.ts'],
          setupFiles: [leavesNothingRunning],
          globalSetup: [postgres],
          // Whole programs start, run jobs and are killed here: slow machines need the room, a hang still ends.
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // Small here; `npm run test:chaos` runs it at its full size.
          name: 'chaos',
          include: ['packages/server/test/chaos/**/*.chaos.ts'],
          setupFiles: [leavesNothingRunning],
          globalSetup: [postgres, './tools/test/chaos.global.ts'],
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
