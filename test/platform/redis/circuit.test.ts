import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Circuit, TIMEOUT_MS, within } from '../../../src/platform/redis/circuit.ts';

let circuit: Circuit;
let changes: [boolean, unknown][];
let asked: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  changes = [];
  asked = 0;
  circuit = new Circuit((isOpen, error) => changes.push([isOpen, error]));
});

afterEach(() => vi.useRealTimers());

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
    let failure: unknown;
    void circuit.run(never).catch((error: unknown) => {
      failure = error;
    });
    vi.advanceTimersByTime(TIMEOUT_MS - 1);
    await nextTurn();
    expect(failure).toBeUndefined();
    vi.advanceTimersByTime(1);
    await nextTurn();
    expect(failure).toEqual(new Error(`Redis did not answer within ${TIMEOUT_MS} ms`));
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
    vi.advanceTimersByTime(999);
    await expect(circuit.run(answer)).rejects.toThrow();
    expect(asked).toBe(before);
    vi.advanceTimersByTime(1);
    const trying = expect(circuit.run(never)).rejects.toThrow('did not answer');
    await expect(circuit.run(answer)).rejects.toThrow('circuit to Redis is open');
    expect(asked).toBe(before + 1);
    vi.advanceTimersByTime(TIMEOUT_MS);
    await trying;
    vi.advanceTimersByTime(1_000);
    expect(await circuit.run(answer)).toBe('answer');
    expect(changes).toEqual([
      [true, refusal],
      [false, undefined],
    ]);
  });
});

test('an answer that arrived in time is not late because the process was busy', async () => {
  vi.useRealTimers();
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise<unknown>((done) => port2.once('message', done));
  // From here on the event loop fires timers that are due before it reads messages.
  await nextTurn();
  const waiting = within(answered, 1);
  port1.postMessage('in time');
  const busyUntil = performance.now() + 10;
  while (performance.now() < busyUntil);
  expect(await waiting).toBe('in time');
  port1.close();
});
