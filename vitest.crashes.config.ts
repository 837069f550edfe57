import { defineConfig } from 'vitest/config';

/** The service killed at every point between two of its effects, and what is left of it. Not part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    // Two cores, and a child that waits for the database lets another one run.
    maxConcurrency: 3,
  },
});
