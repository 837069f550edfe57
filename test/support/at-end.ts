import { afterAll } from 'vitest';

const closers: (() => unknown)[] = [];

// Said while the file is collected: what a hook or a test hands to `afterAll` is never called.
afterAll(async () => {
  const failures: unknown[] = [];
  for (let close = closers.pop(); close; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
});

/** Has something closed after all tests of this file, the newest first; may be said anywhere, also in hooks and tests. */
export function atEnd(close: () => unknown): void {
  closers.push(close);
}
