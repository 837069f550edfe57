import { describe } from 'vitest';
import { SPOILT } from '../support/stack/faults.ts';
import { stackOfFile } from '../support/stack/stack-of-file.ts';
import { controlsSuite } from './controls.suite.ts';
import { faultsSuite } from './faults.suite.ts';

const stack = stackOfFile();

describe('one network fault at a time, under load', () => faultsSuite(stack, SPOILT));
describe('a control of the checks after a fault', () => controlsSuite(stack));
