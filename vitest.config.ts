import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/controls/**', 'test/crash/**', 'test/deploy/**', 'test/model/**', 'test/stack/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/features/**/*.ts'], reporter: ['text', 'json-summary'] },
  },
});
