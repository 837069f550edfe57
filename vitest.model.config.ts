import { defineConfig } from 'vitest/config';

/** The service against a small model of it, in thousands of random sequences. Not part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/model/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
