import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { endOf } from '../src/workers.ts';

/** As in node:cluster: a worker without a process id never had a process. */
const workerWith = (pid: number | undefined) =>
  Object.assign(new EventEmitter(), { process: { pid } }) as unknown as Worker;

test('a worker whose process could not be created has ended, and one that missed a message has not yet', async () => {
  const unmade = workerWith(undefined);
  const unreached = workerWith(7);
  const first = Promise.race([endOf(unreached).then(() => 'unreached'), endOf(unmade).then(() => 'unmade')]);
  unreached.emit('error', new Error('write EPIPE'));
  unmade.emit('error', new Error('spawn EAGAIN'));
  expect(await first).toBe('unmade');
});
