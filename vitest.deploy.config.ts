import { defineConfig } from 'vitest/config';

/** What is deployed, checked as far as that goes without a container engine. Fetches packages. */
export default defineConfig({
  test: {
    include: ['test/deploy/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 1,
  },
});
