import { DEMO_USERS } from '../../src/embedded/demo-accounts.ts';
import type { Flow } from './flows.ts';
import { announced, place } from './steps.ts';

/** What the service does in the background. */
export const PLATFORM_FLOWS: Readonly<Record<string, Flow>> = {
  async 'the service starts with old rows to delete'(world) {
    await world.sql(
      `INSERT INTO idempotency_keys (user_id, key, fingerprint, claim, created_at, claimed_until)
       VALUES ($1, 'old', 'old', gen_random_uuid(), now() - interval '2 days', now() - interval '2 days')`,
      [DEMO_USERS.buyer.sub],
    );
    await world.sql(
      `INSERT INTO outbox (topic, key, value, published_at) VALUES ('orderCreated', 'old', '{}', now() - interval '2 days')`,
    );
    await world.sql(
      `INSERT INTO stripe_inbox (event_id, type, received_at, next_attempt_at, applied_at)
       SELECT 'evt_old', 'charge.refunded', at, at, at FROM (SELECT now() - interval '400 days' AS at) AS long_ago`,
    );
    await world.until('it is removed', async () => {
      const left = await world.sql(
        'SELECT key FROM idempotency_keys UNION ALL SELECT key FROM outbox UNION ALL SELECT event_id FROM stripe_inbox',
      );
      return left.length === 0;
    });
  },

  async 'the event log refuses one order’s messages for a while'(world) {
    const order = await place(world, 1);
    await announced(world);
    await world.ask({ kind: 'refuse', keys: { key: order.orderId } });
    await world.request(204, 'DELETE', `/api/order/${order.orderId}`, { as: 'buyer', keyed: true });
    await world.until('it is held back, or the log accepts it again', async () => {
      const [row] = await world.sql<{ held: boolean }>(
        'SELECT bool_or(attempts > 0 OR $1) AS held FROM outbox WHERE published_at IS NULL',
        [world.hasCrashed()],
      );
      return row?.held !== false;
    });
    await world.ask({ kind: 'refuse', keys: 'none' });
    await announced(world);
  },

  async 'the event log is unavailable for a while'(world) {
    await world.ask({ kind: 'refuse', keys: 'all' });
    await place(world, 1);
    await world.until('everything is held back, or the log is available again', async () => {
      const held = await world.sql('SELECT FROM outbox WHERE published_at IS NULL AND attempts > 0');
      return held.length === 2 || world.hasCrashed();
    });
    await world.ask({ kind: 'refuse', keys: 'none' });
    await announced(world);
  },
};
