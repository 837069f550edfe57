import { spawn } from 'node:child_process';
import type { Worker } from 'node:cluster';
import { EventEmitter, once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { gatherMetricsFor, mergeMetrics } from '../../../src/platform/telemetry/worker-metrics.ts';

test('the metrics of workers are one text: each sample names its worker, and each metric’s samples are together', () => {
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

test('a worker that has lost its supervisor serves its own metrics, and its messages do not end it', async () => {
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
  const [output, complaint] = [child.stdout, child.stderr].map((each) => (each ? textOf(each) : ''));
  expect({ output: await output, complaint: await complaint, code: (await ended)[0] }).toEqual({
    output: 'its own',
    complaint: '',
    code: 0,
  });
});

/**
 * Like a worker in node:cluster that has just died: a send fails, with an `error` event when it has no
 * callback.
 */
class DeadWorker extends EventEmitter {
  readonly sent: unknown[] = [];

  send(message: unknown, callback?: (error: Error) => void): void {
    this.sent.push(message);
    const error = new Error('write EPIPE');
    if (callback) callback(error);
    else this.emit('error', error);
  }
}

test('workers that have just died are not waited for, and failed sends to them are ignored', async () => {
  const asks = new DeadWorker();
  const other = new DeadWorker();
  gatherMetricsFor(asks as unknown as Worker, new Map([[2, other as unknown as Worker]]));
  asks.emit('message', { metrics: 'gather', id: 7 });
  await new Promise(setImmediate);
  expect(other.sent).toMatchObject([{ metrics: 'ask' }]);
  expect(asks.sent).toEqual([{ metrics: 'gathered', id: 7, text: '' }]);
});
