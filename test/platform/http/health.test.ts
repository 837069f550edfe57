import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { ERRORS } from '../../../src/app/errors.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { type HealthProbe, healthRoutes } from '../../../src/platform/http/health.routes.ts';
import { bind } from '../../../src/platform/http/listener.ts';
import { createHttpServer } from '../../../src/platform/http/server.ts';
import { atEnd } from '../../support/at-end.ts';
import { patience } from '../../support/patience.ts';
import { call } from '../../support/test-app.ts';

const NAMES = ['database', 'redis', 'kafka', 'identity', 'seating', 'stripe'] as const;
let asked: string[];
let check: HealthProbe['check'];

beforeEach(() => {
  asked = [];
});

/** A server that has only the health routes; every server that it checks behaves as `check` does. */
async function healthOf(): Promise<() => ReturnType<typeof call>> {
  const listener = await bind(0, '127.0.0.1');
  const { app, open } = createHttpServer({
    errors: ERRORS,
    server: listener.server,
    log: pino({ level: 'silent' }),
    requestId: () => 'r',
    onProblem: () => undefined,
  });
  const probe = (name: string): HealthProbe => ({
    embedded: false,
    check(timeoutMs) {
      asked.push(name);
      return check(timeoutMs);
    },
  });
  const [database, redis, kafka, identity, seating, stripe] = NAMES.map(probe) as Six;
  healthRoutes(app, {
    ...{ database, redis, kafka, identity, seating, stripe },
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
  return () => call(`http://127.0.0.1:${listener.port}`, 'GET', '/api/order/health');
}
type Six = [HealthProbe, HealthProbe, HealthProbe, HealthProbe, HealthProbe, HealthProbe];

describe('health when every server fails at once', () => {
  test.each<[string, HealthProbe['check']]>([
    ['refused connections', () => Promise.reject(new Error('ECONNREFUSED'))],
    [
      'no answer, with probes that observe their timeout',
      (ms) => new Promise((_, fail) => setTimeout(fail, ms)),
    ],
    ['no answer, with probes that do not observe it', () => new Promise(() => undefined)],
  ])('%s: it reports each of them within a second', async (_how, dead) => {
    check = dead;
    const health = await healthOf();
    const began = performance.now();
    const { status, body } = await health();
    // Plus what a busy machine adds.
    expect(performance.now() - began).toBeLessThan(patience(1_500));
    expect(status).toBe(503);
    for (const name of [...NAMES, 'outbox']) expect(body[name], name).toMatchObject({ status: 'DOWN' });
  });
});

test('two hundred concurrent health requests check each server once, and see a change soon after', async () => {
  check = async () => undefined;
  const health = await healthOf();
  const answers = await Promise.all(Array.from({ length: 200 }, health));
  expect(answers.every(({ status, body }) => status === 200 && body.kafka.status === 'UP')).toBe(true);
  // A busy machine may take longer than an answer is cached: then there are some checks, but never one per
  // request.
  expect(asked.filter((name) => name === 'kafka').length).toBeLessThan(50);
  check = () => Promise.reject(new Error('unavailable'));
  await expect.poll(async () => (await health()).status, { timeout: patience(2_000) }).toBe(503);
});
