import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { earlierSales, takeOver } from '../../support/takeover.ts';

/** What an operator added to the tables of the earlier service, and what is to go on. */
const OWN = `
  CREATE TABLE notes (order_id uuid REFERENCES orders (order_id), status text);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO notes VALUES (NEW.order_id, NEW.status); RETURN NULL; END';
  CREATE TRIGGER noted AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note();
  CREATE VIEW at_the_door AS SELECT checked_in, count(*)::int AS tickets FROM tickets GROUP BY 1;
  CREATE INDEX own_index ON orders (lower(status));
  ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'west';
  CREATE PUBLICATION everything FOR ALL TABLES`;

test('view-on-orders: sales go on in a database with objects of the operator, which go on, too', async () => {
  const sales = await earlierSales();
  await sales.sql(OWN);
  await sales.sell({ prices: [10, 20] });
  const { platform, work } = await takeOver(sales);
  const token = await platform.token(randomUUID());
  const orderId = await platform.place(token);
  const path = `/api/order/${orderId}`;
  const { body } = await platform.app.call('POST', `${path}/create-payment-intent`, { token });
  await sales.stripe.post(`payment_intents/${body.paymentIntentId}/confirm`, { payment_method: 'pm_card_visa' });
  const paid = await platform.app.call('POST', `${path}/checkout`, { token });
  expect(paid.status, paid.text).toBe(200);
  await work();
  await platform.app.app.turn('folding');
  const noted = await sales.sql('SELECT status FROM notes WHERE order_id = $1', [orderId]);
  expect(noted).toEqual([{ status: 'pending' }, { status: 'pending' }, { status: 'completed' }]);
  expect(await sales.sql('SELECT * FROM at_the_door')).toEqual([{ checked_in: false, tickets: 3 }]);
  expect(await sales.sql("SELECT FROM orders WHERE region = 'west'")).toHaveLength(2);
  expect(await sales.sql('SELECT FROM sales_by_time WHERE NOT is_folded')).toEqual([]);
});
