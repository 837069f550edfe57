import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { instant } from '../../../src/kernel/clock.ts';
import { type HealthProbe, healthRoutes } from '../../../src/platform/http/health.routes.ts';
import { HEALTH_PARTS, ofEachPart } from '../../../src/platform/http/starting.ts';
import { atEnd } from '../../support/at-end.ts';
import { bareServer } from '../../support/bare-server.ts';
import { until } from '../../support/servers.ts';
import { call } from '../../support/test-app.ts';

let asked: string[];
let check: HealthProbe['check'];
let arrived: number;

beforeEach(() => {
  asked = [];
  arrived = 0;
});

afterEach(() => vi.useRealTimers());

/** A server that has only the health routes; every server that it checks behaves as `check` does. */
async function healthOf(): Promise<() => ReturnType<typeof call>> {
  const { app, open, listener, url } = await bareServer();
  const probe = (name: string): HealthProbe => ({
    embedded: false,
    check(timeoutMs) {
      asked.push(name);
      return check(timeoutMs);
    },
  });
  app.addHook('preHandler', async () => {
    arrived += 1;
  });
  healthRoutes(app, {
    ...ofEachPart(probe),
    outboxLag: async () => {
      await check(0);
      return { waiting: 0, seconds: 0 };
    },
    clock: { now: () => instant(Date.now()) },
    machineClock: () => ({ isRight: true, differenceSeconds: 0 }),
    version: '1',
    isServing: () => true,
  });
  await app.ready();
  open();
  atEnd(() => listener.close(0));
  return () => call(url, 'GET', '/api/order/health');
}

describe('health when every server fails at once', () => {
  test.each<[string, HealthProbe['check']]>([
    ['refused connections', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['no answer, with probes that observe their timeout', (ms) => new Promise((_, fail) => setTimeout(fail, ms))],
    ['no answer, with probes that do not observe it', () => new Promise(() => undefined)],
  ])('%s: it reports each of them within a second', async (_how, dead) => {
    check = dead;
    const health = await healthOf();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let answer: Awaited<ReturnType<typeof call>> | undefined;
    void health().then((answered) => {
      answer = answered;
    });
    while (asked.length < HEALTH_PARTS.length) await nextTurn();
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    const { status, body } = await until('health is answered', () => answer);
    expect(status).toBe(503);
    for (const name of [...HEALTH_PARTS, 'outbox']) expect(body[name], name).toMatchObject({ status: 'DOWN' });
  });
});

test('two hundred concurrent health requests check each server once, and see a change soon after', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let nowMs = performance.now();
  const stopwatch = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => stopwatch.mockRestore());
  const advance = (ms: number) => {
    nowMs += ms;
    vi.advanceTimersByTime(ms);
  };
  const gate = Promise.withResolvers<void>();
  check = () => gate.promise;
  const health = await healthOf();
  const concurrent = Promise.all(Array.from({ length: 200 }, health));
  while (arrived < 200) await nextTurn();
  gate.resolve();
  const answers = await concurrent;
  expect(answers.every(({ status, body }) => status === 200 && body.kafka.status === 'UP')).toBe(true);
  expect(asked.toSorted()).toEqual([...HEALTH_PARTS].toSorted());
  check = () => Promise.reject(new Error('unavailable'));
  // The answer is cached for half a second.
  advance(499);
  expect((await health()).status).toBe(200);
  advance(2);
  expect((await health()).status).toBe(503);
});
