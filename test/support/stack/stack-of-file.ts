import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Stack, startStack } from './stack.ts';

/** A stack of this test file's own, and a function that returns it once it has started. Its logs are kept when a test fails. */
export function stackOfFile(): () => Stack {
  let stack: Stack | undefined;
  let isFailed = false;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterEach(({ task }) => {
    isFailed ||= task.result?.state === 'fail';
  });
  afterAll(() => stack?.close(isFailed));
  return () => {
    if (!stack) throw new Error('the stack has not started');
    return stack;
  };
}
