import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const MINUTE_MS = 60_000;

/** Only what hangs takes so long: downloads of servers have less. What a test waits for has a deadline of its own, which grows with the load of the machine. */
const HANGS_MS = 20 * MINUTE_MS;

/** Suites that start servers, kill processes or take minutes. Each has its npm script; `npm test` leaves them out. */
const SLOW_SUITES = ['browser', 'controls', 'crash', 'deploy', 'model', 'slow', 'stack'];

/** Few rounds of each race in `npm test`, all of them in `npm run test:slow`. */
const RACES = 'test/races/**/*.test.ts';

/** Files that take many seconds each. They run in `npm run test:slow`, so that `npm test` stays under three minutes. */
const TAKES_LONG = [
  'test/e2e/takeover/**/*.test.ts',
  'test/e2e/{clock-ahead,currencies,lag,raw-requests,reconcile}.test.ts',
  'test/features/paper/drawing.test.ts',
  'test/features/verification/verify.test.ts',
  'test/platform/http/unread-answers.test.ts',
  'test/platform/postgres/{migrations,obstacles,undoing}.test.ts',
];

// Code that was compiled once is not compiled again for each test file and each process that a test starts. Coverage is
// counted in code that was compiled for it.
if (!process.argv.includes('--coverage'))
  process.env.NODE_COMPILE_CACHE ??= resolve('node_modules/.cache/ms-ticketing/compiled');

/** Files that take longest, the longest first: begun last, one of them would run alone at the end. */
const LONG = [
  'stack/networks',
  'stack/servers',
  'stack/kafka-service',
  'stack/kafka.',
  'slow/workers',
  'races/seats',
  'races/order',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.includes(`/test/${name}`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

interface Suite {
  readonly include: string[];
  readonly exclude?: string[];
  readonly testTimeout?: number;
  /** Files at a time; suites with different numbers run one after the other. */
  readonly maxWorkers: number;
  readonly maxConcurrency?: number;
  readonly provide?: { readonly isThorough: boolean };
  /** Whether Vite loads the modules and not Node: only so can one be replaced. */
  readonly replacesModules?: boolean;
}

let suites = 0;

/** A suite that shares one PostgreSQL server; each of its files has a database of its own. */
function onPostgres(name: string, { replacesModules = false, ...suite }: Suite) {
  suites += 1;
  return {
    test: {
      name,
      globalSetup: ['test/support/global-setup.ts'],
      sequence: { groupOrder: suites },
      testTimeout: HANGS_MS,
      hookTimeout: HANGS_MS,
      experimental: { viteModuleRunner: replacesModules },
      ...suite,
    },
  };
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    coverage: { provider: 'v8', include: ['src/features/**/*.ts'], reporter: ['text', 'json-summary'] },
    projects: [
      // The rules of the house and of the documents: no database, a few seconds.
      {
        test: {
          name: 'house',
          include: ['test/house/**/*.test.ts', 'test/docs/**/*.test.ts'],
          testTimeout: HANGS_MS,
        },
      },
      onPostgres('service', {
        include: ['test/**/*.test.ts'],
        exclude: [...['house', 'docs', ...SLOW_SUITES].map((folder) => `test/${folder}/**`), ...TAKES_LONG],
        maxWorkers: 2,
      }),
      // Every round of each race, and the process as its operator has it: stopped, frozen, without a disk or a database.
      onPostgres('slow', {
        include: [RACES, ...TAKES_LONG, 'test/slow/**/*.test.ts'],
        maxWorkers: 2,
        provide: { isThorough: true },
      }),
      // The pages in a real Chromium.
      onPostgres('browser', {
        include: ['test/browser/**/*.test.ts'],
        maxWorkers: 1,
      }),
      // Each takes one guard out and must see its invariant break.
      onPostgres('controls', {
        include: ['test/controls/**/*.test.ts'],
        maxWorkers: 2,
        replacesModules: true,
      }),
      // The service killed at every point between two of its effects.
      onPostgres('crashes', {
        include: ['test/crash/**/*.test.ts'],
        maxWorkers: 1,
        // Two cores, and a child that waits for the database lets another one run.
        maxConcurrency: 3,
      }),
      // What is deployed, checked as far as that goes without a container engine. Fetches packages.
      onPostgres('deploy', {
        include: ['test/deploy/**/*.test.ts'],
        maxWorkers: 1,
      }),
      // The service against a small model of it, in thousands of random sequences.
      onPostgres('model', {
        include: ['test/model/**/*.test.ts'],
        testTimeout: 60 * MINUTE_MS,
        maxWorkers: 2,
      }),
      // On real servers, which the tests start themselves.
      onPostgres('stack', {
        include: ['test/stack/**/*.test.ts'],
        // Most of it is waiting: for servers to start, and for faults to last.
        maxWorkers: 3,
      }),
    ],
  },
});
