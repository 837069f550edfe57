import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startPlatformApp } from '../support/platform-app.ts';
import { moneyCame } from '../support/races.ts';
import { until } from '../support/servers.ts';

test('without the payment’s key money that is told of twice is written down twice', async () => {
  const platform = await startPlatformApp({}, { background: true, verified: false });
  const buyer = await platform.token(randomUUID());
  // The guard taken out: the statement's ON CONFLICT finds a key that is never the same.
  await platform.app.sql(`
    ALTER TABLE payments DROP CONSTRAINT payments_pkey;
    ALTER TABLE payments ADD COLUMN nonce uuid NOT NULL DEFAULT gen_random_uuid();
    CREATE FUNCTION another_name() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN NEW.payment_intent_id := NEW.payment_intent_id || ':' || NEW.nonce; RETURN NEW; END $$;
    CREATE TRIGGER another_name BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION another_name();
    ALTER TABLE payments ADD PRIMARY KEY (payment_intent_id)`);
  const orderId = await platform.place(buyer);
  const intentId = `pi_${randomUUID()}`;
  await moneyCame(platform, orderId, intentId);
  await moneyCame(platform, orderId, intentId);
  const rows = await until('both were tried', async () => {
    const found = await platform.app.sql('SELECT FROM payments WHERE order_id = $1', [orderId]);
    return found.length > 1 && found;
  });
  expect(rows.length).toBeGreaterThan(1);
});
