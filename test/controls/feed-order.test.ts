import { expect, test, vi } from 'vitest';
import type { Executor } from '../../src/platform/postgres/database.ts';
import { holdNextCommit, ordersOn, watchedBy } from '../support/live-sales.ts';
import { startPlatformApp } from '../support/platform-app.ts';

vi.mock('../../src/features/live/feed.store.ts', async (original) => {
  const store = await original<typeof import('../../src/features/live/feed.store.ts')>();
  // The guard is taken out here: a row’s position is the number that it took before its commit.
  const text = `
    WITH taken AS (DELETE FROM sale_changes RETURNING *),
    fed AS (
      INSERT INTO sales_feed (position, event_id, organization_id, message, numbered_at)
      SELECT change_id, event_id, organization_id, message, now() FROM taken
    )
    UPDATE sales_feed_head SET position = GREATEST(position, (SELECT max(change_id) FROM taken))
    RETURNING (SELECT count(*) FROM taken) AS rows`;
  const numberChanges = async (executor: Executor) =>
    (await executor.rows<{ rows: number }>({ name: 'numbered-too-early', text }, []))[0]?.rows ?? 0;
  return { ...store, numberChanges };
});

test('with numbers that rows take before their commit, a reader misses the row that commits later', async () => {
  const platform = await startPlatformApp({}, { background: true, verified: false });
  const sales = await watchedBy(platform);
  const first = await holdNextCommit(platform);
  const reader = await sales.watch();
  const slow = sales.sell();
  await first.untilItWaits();
  const quick = await sales.sell();
  await reader.untilThereAre(1, 'checkout');
  await first.release();
  const late = await slow;
  const last = await sales.sell();
  await reader.untilThereAre(2, 'checkout');
  expect(ordersOn(reader)).toEqual([quick, last]);
  expect(await platform.app.sql(`SELECT FROM sales_feed WHERE message LIKE '%' || $1 || '%'`, [late])).toHaveLength(1);
});
