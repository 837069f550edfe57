import { describe } from 'vitest';
import { SPOILT } from '../support/stack/faults.ts';
import { stackOfFile } from '../support/stack/stack-of-file.ts';
import { controlsSuite } from './controls.suite.ts';
import { faultsSuite } from './faults.suite.ts';

const stack = stackOfFile();

describe('a network spoilt at a time, with load on', () => faultsSuite(stack, SPOILT));
describe('each check after a fault can fail', () => controlsSuite(stack));
