import { defineConfig } from 'vitest/config';

const MINUTE_MS = 60_000;

/** Suites that start servers, kill processes or take minutes. Each has its npm script; `npm test` leaves them out. */
const SLOW_SUITES = ['controls', 'crash', 'deploy', 'model', 'stack'];

interface Suite {
  readonly include: string[];
  readonly exclude?: string[];
  readonly testTimeout: number;
  readonly hookTimeout: number;
  /** Files at a time; suites with different numbers run one after the other. */
  readonly maxWorkers: number;
  readonly maxConcurrency?: number;
}

let suites = 0;

/** A suite that shares one PostgreSQL server; each of its files has a database of its own. */
function onPostgres(name: string, suite: Suite) {
  suites += 1;
  const sequence = { groupOrder: suites };
  return { test: { name, globalSetup: ['test/support/global-setup.ts'], sequence, ...suite } };
}

export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['src/features/**/*.ts'], reporter: ['text', 'json-summary'] },
    projects: [
      // The rules of the house and of the documents: no database, a few seconds.
      { test: { name: 'house', include: ['test/house/**/*.test.ts', 'test/docs/**/*.test.ts'] } },
      onPostgres('service', {
        include: ['test/**/*.test.ts'],
        exclude: ['house', 'docs', ...SLOW_SUITES].map((folder) => `test/${folder}/**`),
        testTimeout: 2 * MINUTE_MS,
        hookTimeout: MINUTE_MS,
        maxWorkers: 2,
      }),
      // Each takes one guard out and must see its invariant break.
      onPostgres('controls', {
        include: ['test/controls/**/*.test.ts'],
        testTimeout: MINUTE_MS,
        hookTimeout: MINUTE_MS,
        maxWorkers: 2,
      }),
      // The service killed at every point between two of its effects.
      onPostgres('crashes', {
        include: ['test/crash/**/*.test.ts'],
        testTimeout: 3 * MINUTE_MS,
        hookTimeout: 2 * MINUTE_MS,
        maxWorkers: 1,
        // Two cores, and a child that waits for the database lets another one run.
        maxConcurrency: 3,
      }),
      // What is deployed, checked as far as that goes without a container engine. Fetches packages.
      onPostgres('deploy', {
        include: ['test/deploy/**/*.test.ts'],
        testTimeout: 2 * MINUTE_MS,
        hookTimeout: 4 * MINUTE_MS,
        maxWorkers: 1,
      }),
      // The service against a small model of it, in thousands of random sequences.
      onPostgres('model', {
        include: ['test/model/**/*.test.ts'],
        testTimeout: 30 * MINUTE_MS,
        hookTimeout: MINUTE_MS,
        maxWorkers: 2,
      }),
      // On real servers, which the tests start themselves.
      onPostgres('stack', {
        include: ['test/stack/**/*.test.ts'],
        testTimeout: 2 * MINUTE_MS,
        hookTimeout: 2 * MINUTE_MS,
        maxWorkers: 2,
      }),
    ],
  },
});
