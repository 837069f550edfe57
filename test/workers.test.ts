import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { endOf } from '../src/workers.ts';

/** As node:cluster has it: without a number there never was a process. */
const workerWith = (pid: number | undefined) =>
  Object.assign(new EventEmitter(), { process: { pid } }) as unknown as Worker;

test('a worker whose process could not be made has ended; one that a message did not reach has not yet', async () => {
  const unmade = workerWith(undefined);
  const unreached = workerWith(7);
  const first = Promise.race([endOf(unreached).then(() => 'unreached'), endOf(unmade).then(() => 'unmade')]);
  unreached.emit('error', new Error('write EPIPE'));
  unmade.emit('error', new Error('spawn EAGAIN'));
  expect(await first).toBe('unmade');
});
