import { expect, test } from 'vitest';
import { createBell, startPoller } from '../../../src/platform/jobs/poller.ts';
import { until } from '../../support/servers.ts';

const FAR_MS = 60_000;
const onError = () => undefined;

test('a turn that reports more work is followed at once', async () => {
  let left = 5;
  const turn = async () => {
    left -= 1;
    return left > 0;
  };
  const poller = startPoller({ intervalMs: FAR_MS, bell: createBell(), turn, onError });
  await until('all is done', () => left === 0);
  await poller.stop();
  expect(left).toBe(0);
});

test('a wake-up during a turn causes another turn', async () => {
  const bell = createBell();
  const working = Promise.withResolvers<void>();
  let turns = 0;
  const poller = startPoller({
    intervalMs: FAR_MS,
    bell,
    async turn() {
      turns += 1;
      if (turns === 1) await working.promise;
      return false;
    },
    onError,
  });
  bell.ring();
  working.resolve();
  await until('there is a second turn', () => turns === 2);
  bell.ring();
  await until('there is a third turn', () => turns === 3);
  await poller.stop();
});

test('a turn that fails is reported, and the next one is taken', async () => {
  const errors: unknown[] = [];
  let turns = 0;
  const poller = startPoller({
    intervalMs: 5,
    bell: createBell(),
    async turn() {
      turns += 1;
      if (turns === 1) throw new Error('once');
      return false;
    },
    onError: (error) => errors.push(error),
  });
  await until('the next turn is taken', () => turns > 2);
  await poller.stop();
  expect(errors).toEqual([new Error('once')]);
});

test('stop waits for the turn under way, and no turn follows', async () => {
  const working = Promise.withResolvers<void>();
  let turns = 0;
  const poller = startPoller({
    intervalMs: 1,
    bell: createBell(),
    async turn() {
      turns += 1;
      await working.promise;
      return true;
    },
    onError,
  });
  let isStopped = false;
  const stopped = poller.stop().then(() => {
    isStopped = true;
  });
  await new Promise(setImmediate);
  expect(isStopped).toBe(false);
  working.resolve();
  await stopped;
  expect(turns).toBe(1);
});
