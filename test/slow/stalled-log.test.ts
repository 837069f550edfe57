import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { STOP_TIMEOUT_MS } from '../../src/app.ts';
import { patience } from '../support/patience.ts';
import { until } from '../support/servers.ts';
import { insist, type ServiceSurroundings, startUnread, surroundings } from '../support/stop-process.ts';
import { call } from '../support/test-app.ts';

const FORCED = 130;
const REQUESTS_AT_A_TIME = 100;

let around: ServiceSurroundings;

beforeAll(async () => {
  around = await surroundings();
});

async function droppedLines(url: string): Promise<number> {
  const { text } = await call(url, 'GET', '/metrics');
  const samples = [...text.matchAll(/^ticketing_log_lines_dropped_total(?:\{.*\})? (\d+)$/gm)];
  return samples.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Makes lines until the pipe is full, and what may wait beside it. */
const fillTheLog = (url: string) =>
  until('lines are dropped', async () => {
    await Promise.all(
      Array.from({ length: REQUESTS_AT_A_TIME }, () => fetch(`${url}/healthz`).then((each) => each.text())),
    );
    return (await droppedLines(url)) > 0;
  });

/** How it ended, or `runs on` when it does not within the time that a stop may take. */
const inTime = (ended: Promise<unknown>) =>
  Promise.race([ended, pause(patience(STOP_TIMEOUT_MS), 'runs on', { ref: false })]);

describe('stalled-log: standard output has no reader', () => {
  test.each([
    ['one process', {}],
    ['two workers', { WEB_CONCURRENCY: '2' }],
  ])('%s counts the lines that it drops, serves on, and ends on SIGTERM', async (_what, env) => {
    const { url, child, ended } = await startUnread({
      ...around.env,
      LOG_LEVEL: 'debug',
      DRAIN_DELAY_SECONDS: '0',
      ...env,
    });
    await fillTheLog(url);
    expect((await call(url, 'GET', '/healthz')).text).toBe('OK');
    child.kill('SIGTERM');
    expect(await inTime(ended)).toBe(0);
  });

  test('a second SIGTERM ends it at once while a request is under way', async () => {
    const { url, child, ended } = await startUnread({ ...around.env, LOG_LEVEL: 'debug', DRAIN_DELAY_SECONDS: '300' });
    await fillTheLog(url);
    child.kill('SIGTERM');
    await until('it is not ready', async () => (await call(url, 'GET', '/api/order/health')).status === 503);
    await insist(child);
    expect(await inTime(ended)).toBe(FORCED);
  });

  test('the number of dropped lines is logged when the reader returns', async () => {
    const { url, child } = await startUnread({ ...around.env, LOG_LEVEL: 'debug', DRAIN_DELAY_SECONDS: '0' });
    await fillTheLog(url);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stdout?.resume();
    await until('it is told', () => output.includes('log lines were dropped'));
    const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
    const told = lines.map((line) => JSON.parse(line)).find(({ dropped }) => dropped !== undefined);
    expect(told).toMatchObject({ level: 40, dropped: expect.any(Number), service: 'ms-ticketing' });
    const answered = await call(url, 'GET', `/api/order/${randomUUID()}`);
    expect(answered.status).toBe(401);
  });
});
