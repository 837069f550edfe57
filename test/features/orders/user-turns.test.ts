import { describe, expect, test } from 'vitest';
import { UserTurns } from '../../../src/features/orders/user-turns.ts';
import { as, type UserId } from '../../../src/kernel/ids.ts';

const [greedy, other] = ['greedy', 'other'].map((id) => as<UserId>(id)) as [UserId, UserId];
const UNDER_WAY = 8;
const WAITING = 100;

/** Work of users that ends when the test lets it. */
function open() {
  const turns = new UserTurns();
  const begun: string[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const take = (userId: UserId, name: string) =>
    turns.take(userId, () => {
      begun.push(name);
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    });
  const next = () => new Promise((done) => setImmediate(done));
  return { begun, ends, take, next };
}

describe('queue-by-one: work of a user outside the queue of new orders', () => {
  test('it is under way eight at a time, in order, and another user’s begins at once', async () => {
    const { begun, ends, take, next } = open();
    const all = Array.from({ length: 10 }, (_, at) => take(greedy, `${at}`));
    const others = take(other, 'other');
    expect(begun).toEqual([...Array.from({ length: UNDER_WAY }, (_, at) => `${at}`), 'other']);
    ends[0]?.resolve();
    await all[0];
    await next();
    expect(begun.at(-1)).toBe('8');
    ends[1]?.reject(new Error('it failed'));
    await expect(all[1]).rejects.toThrow('it failed');
    await next();
    expect(begun.at(-1)).toBe('9');
    for (const { resolve } of ends) resolve();
    await Promise.all([...all.slice(2), others]);
  });

  test('it is refused when too much waits, and taken again afterwards', async () => {
    const { ends, take, next } = open();
    const all = Array.from({ length: UNDER_WAY + WAITING }, () => take(greedy, 'mine'));
    await expect(take(greedy, 'one more')).rejects.toMatchObject({ code: 'overloaded', extra: { retryAfterS: 1 } });
    for (let at = 0; at < all.length; at += 1) {
      ends[at]?.resolve();
      await all[at];
      await next();
    }
    const again = take(greedy, 'again');
    ends.at(-1)?.resolve();
    await again;
  });
});
