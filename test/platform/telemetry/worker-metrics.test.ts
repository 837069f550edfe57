import { spawn } from 'node:child_process';
import type { Worker } from 'node:cluster';
import { EventEmitter, once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { gatherMetricsFor, mergeMetrics } from '../../../src/platform/telemetry/worker-metrics.ts';

test('metrics of workers are one text: each sample says whose it is, each metric’s are together', () => {
  const text = (orders: number, waiting: number) =>
    [
      '# HELP orders_total Orders, by what they became',
      '# TYPE orders_total counter',
      `orders_total{outcome="a \\"{placed}\\""} ${orders}`,
      'orders_total{outcome="refused"} 1',
      '',
      '# HELP waiting Those that wait',
      '# TYPE waiting gauge',
      `waiting ${waiting}`,
      '',
    ].join('\n');
  expect(
    mergeMetrics(
      new Map([
        ['1', text(3, 7)],
        ['2', text(4, 8)],
      ]),
    ).split('\n'),
  ).toEqual([
    '# HELP orders_total Orders, by what they became',
    '# TYPE orders_total counter',
    'orders_total{worker="1",outcome="a \\"{placed}\\""} 3',
    'orders_total{worker="1",outcome="refused"} 1',
    'orders_total{worker="2",outcome="a \\"{placed}\\""} 4',
    'orders_total{worker="2",outcome="refused"} 1',
    '',
    '# HELP waiting Those that wait',
    '# TYPE waiting gauge',
    'waiting{worker="1"} 7',
    'waiting{worker="2"} 8',
    '',
  ]);
});

test('a worker whose supervisor has gone tells its own, and is not ended by what it sends', async () => {
  const code = `
    import { metricsOfAll } from './src/platform/telemetry/worker-metrics.ts';
    import { reportUp } from './src/workers.ts';
    const metrics = metricsOfAll(async () => 'its own');
    process.disconnect();
    reportUp();
    process.emit('message', { metrics: 'ask', id: 1 });
    process.stdout.write(await metrics());`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = once(child, 'close');
  const [told, complaint] = [child.stdout, child.stderr].map((each) => (each ? textOf(each) : ''));
  expect({ told: await told, complaint: await complaint, code: (await ended)[0] }).toEqual({
    told: 'its own',
    complaint: '',
    code: 0,
  });
});

/** As node:cluster has one that died a moment ago: what is sent fails, aloud where nobody asked how it went. */
class DeadWorker extends EventEmitter {
  readonly sent: unknown[] = [];

  send(message: unknown, callback?: (error: Error) => void): void {
    this.sent.push(message);
    const error = new Error('write EPIPE');
    if (callback) callback(error);
    else this.emit('error', error);
  }
}

test('workers that died a moment ago are not waited for, and what is sent to them fails unheard', async () => {
  const asks = new DeadWorker();
  const other = new DeadWorker();
  gatherMetricsFor(asks as unknown as Worker, new Map([[2, other as unknown as Worker]]));
  asks.emit('message', { metrics: 'gather', id: 7 });
  await new Promise(setImmediate);
  expect(other.sent).toMatchObject([{ metrics: 'ask' }]);
  expect(asks.sent).toEqual([{ metrics: 'gathered', id: 7, text: '' }]);
});
