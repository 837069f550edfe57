import { afterAll } from 'vitest';

const closers: (() => unknown)[] = [];

// The hook is registered while the file is collected, because `afterAll` is ignored inside a hook or a test.
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

/** Closes something after all tests of this file, newest first; may be called anywhere, also in hooks and tests. */
export function atEnd(close: () => unknown): void {
  closers.push(close);
}
