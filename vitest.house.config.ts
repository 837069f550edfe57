import { defineConfig } from 'vitest/config';

/** The rules of the house alone: no database, a few seconds. */
export default defineConfig({ test: { include: ['test/house/**/*.test.ts', 'test/docs/**/*.test.ts'] } });
