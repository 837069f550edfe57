import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { startPlatformApp } from '../support/platform-app.ts';
import { moneyCame } from '../support/races.ts';
import { until } from '../support/servers.ts';

vi.mock('../../src/features/orders/order.store.ts', async (original) => {
  const store = await original<typeof import('../../src/features/orders/order.store.ts')>();
  // The guard taken out: the order is read, but not locked.
  return { ...store, lockOrder: store.findOrder };
});

test('without the order’s lock an order is completed more than once', async () => {
  const platform = await startPlatformApp({}, { background: true, verified: false });
  const buyer = await platform.token(randomUUID());
  let most = 0;
  for (let round = 0; round < 40 && most < 2; round += 1) {
    const orderId = await platform.place(buyer);
    // Each of the six payments would like to be the one that pays.
    await Promise.all(Array.from({ length: 6 }, () => moneyCame(platform, orderId, `pi_${randomUUID()}`)));
    await until(
      'every event was tried',
      async () => (await platform.app.sql('SELECT FROM stripe_inbox WHERE attempts = 0')).length === 0,
    );
    await until(
      'none is at work',
      async () => (await platform.app.sql("SELECT FROM payments WHERE state = 'received'")).length < 6,
    );
    const announced = await platform.app.sql("SELECT FROM outbox WHERE key = $1 AND topic = 'orderUpdated'", [
      orderId,
    ]);
    const failed = await platform.app.sql('SELECT FROM stripe_inbox WHERE last_error IS NOT NULL');
    most = Math.max(most, announced.length + failed.length);
  }
  expect(most).toBeGreaterThan(1);
});
