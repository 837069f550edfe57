import { defineConfig } from 'vitest/config';

/** On real servers, which the tests start themselves. Not part of `npm test`, which needs none. */
export default defineConfig({
  test: {
    include: ['test/stack/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
