import { describe } from 'vitest';
import { KILLED } from '../support/stack/faults.ts';
import { stackOfFile } from '../support/stack/stack-of-file.ts';
import { faultsSuite } from './faults.suite.ts';
import { replicasSuite } from './replicas.suite.ts';

const stack = stackOfFile();

describe('two replicas on real servers', () => replicasSuite(stack));
describe('one killed server at a time, under load', () => faultsSuite(stack, KILLED));
