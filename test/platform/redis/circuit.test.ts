import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { Circuit, TIMEOUT_MS, within } from '../../../src/platform/redis/circuit.ts';
import { patience } from '../../support/patience.ts';
import { until } from '../../support/servers.ts';

let circuit: Circuit;
let changes: [boolean, unknown][];
let asked: number;

beforeEach(() => {
  changes = [];
  asked = 0;
  circuit = new Circuit((isOpen, error) => changes.push([isOpen, error]));
});

const refusal = new Error('refused');
const refuse = async () => {
  asked += 1;
  throw refusal;
};
const never = () => {
  asked += 1;
  return new Promise<never>(() => undefined);
};
const answer = async () => {
  asked += 1;
  return 'answer';
};

async function fail(times: number, work = refuse): Promise<void> {
  await Promise.allSettled(Array.from({ length: times }, () => circuit.run(work)));
}

describe('the circuit around Redis', () => {
  test('it waits no longer than its timeout for an answer', async () => {
    const from = performance.now();
    await expect(circuit.run(never)).rejects.toThrow(`within ${TIMEOUT_MS} ms`);
    const waited = performance.now() - from;
    expect(waited).toBeGreaterThanOrEqual(TIMEOUT_MS - 1);
    expect(waited).toBeLessThan(patience(3 * TIMEOUT_MS));
  });

  test('it opens after five failures in a row, then calls nothing, and one success in between keeps it closed', async () => {
    await fail(4);
    expect(await circuit.run(answer)).toBe('answer');
    await fail(4);
    expect(changes).toEqual([]);
    await fail(1);
    expect(changes).toEqual([[true, refusal]]);
    const before = asked;
    await expect(circuit.run(answer)).rejects.toThrow();
    expect(asked).toBe(before);
  });

  test('it lets one call try after a second while the others fail at once, and reports once that it has closed', async () => {
    await fail(5);
    const before = asked;
    await until('one is asked again', async () => {
      void circuit.run(never).catch(() => undefined);
      return asked > before;
    });
    await expect(circuit.run(answer)).rejects.toThrow('circuit to Redis is open');
    expect(asked).toBe(before + 1);
    await until('it is used again', () => circuit.run(answer).catch(() => undefined));
    expect(changes).toEqual([
      [true, refusal],
      [false, undefined],
    ]);
  });
});

test('an answer that arrived in time is not late because the process was busy', async () => {
  const answered = setTimeout(5, 'in time');
  const waiting = within(answered, 20);
  const busyUntil = performance.now() + 60;
  while (performance.now() < busyUntil);
  expect(await waiting).toBe('in time');
});
