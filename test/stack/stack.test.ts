import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type Stack, startStack } from '../support/stack/stack.ts';
import { controlsSuite } from './controls.suite.ts';
import { faultsSuite } from './faults.suite.ts';
import { replicasSuite } from './replicas.suite.ts';

let stack: Stack | undefined;
let isFailed = false;

beforeAll(async () => {
  stack = await startStack();
});
afterEach(({ task }) => {
  isFailed ||= task.result?.state === 'fail';
});
afterAll(() => stack?.close(isFailed));

const started = (): Stack => {
  if (!stack) throw new Error('the stack did not start');
  return stack;
};

describe('two replicas on real servers', () => replicasSuite(started));
describe('a fault at a time, with load on', () => faultsSuite(started));
describe('each check after a fault can fail', () => controlsSuite(started));
