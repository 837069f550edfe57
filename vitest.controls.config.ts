import { defineConfig } from 'vitest/config';

/** Negative controls: each takes one guard out and must see its invariant break. Not part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/controls/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
