import { describe, expect, test } from 'vitest';
import { FairTurns } from '../../src/kernel/fair-turns.ts';

describe('fair turns', () => {
  test('a key with much work delays another by one piece, also one that comes later', async () => {
    const turns = new FairTurns<string>();
    const done: string[] = [];
    const piece = (key: string, name: string, then?: () => void) =>
      turns.run(key, async () => {
        done.push(name);
        then?.();
      });
    const all: Promise<void>[] = [];
    for (let at = 0; at < 4; at += 1) {
      const then = at === 1 ? () => all.push(piece('c', 'c0')) : undefined;
      all.push(piece('a', `a${at}`, then));
    }
    all.push(piece('b', 'b0'), piece('b', 'b1'));
    await Promise.all(all);
    await Promise.all(all);
    expect(done).toEqual(['a0', 'b0', 'a1', 'b1', 'c0', 'a2', 'a3']);
  });

  test('it does one piece at a time, and a failed one does not hold up the others', async () => {
    const turns = new FairTurns<number>();
    let underWay = 0;
    let most = 0;
    const pieces = Array.from({ length: 9 }, (_, at) =>
      turns.run(at % 3, async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resume) => setImmediate(resume));
        underWay -= 1;
        if (at === 4) throw new Error('failed');
        return at;
      }),
    );
    const settled = await Promise.allSettled(pieces);
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1].map(Boolean));
    expect(most).toBe(1);
    expect(await turns.run(0, () => 'again')).toBe('again');
  });
});
