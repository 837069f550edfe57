import { describe, expect, test } from 'vitest';
import { withTimeLimit } from '../../src/kernel/time-limit.ts';

const HOUR_MS = 3_600_000;
const never = new Promise<string>(() => undefined);

describe('work with a time limit', () => {
  test('resolves and rejects as the work does within the limit', async () => {
    expect(await withTimeLimit(HOUR_MS, Promise.resolve('done'), () => 'late')).toBe('done');
    await expect(withTimeLimit(HOUR_MS, Promise.reject(new Error('failed')), () => 'late')).rejects.toThrow('failed');
  });

  test('resolves with what stands in for it after the limit, or rejects with its error', async () => {
    expect(await withTimeLimit(1, never, () => 'late')).toBe('late');
    const tooLate = () => {
      throw new Error('too late');
    };
    await expect(withTimeLimit(1, never, tooLate)).rejects.toThrow('too late');
  });

  test('prefers an answer that has come when the timer is seen late', async () => {
    const work = new Promise<string>((done) => setTimeout(done, 1, 'done'));
    const limited = withTimeLimit(2, work, () => 'late');
    const busyUntil = performance.now() + 20;
    while (performance.now() < busyUntil);
    expect(await limited).toBe('done');
  });
});
