import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { completedOrder, findings, guarded, unguarded } from './open-arena.ts';

/**
 * An administrator’s page sends a refund of 10 again with the same key, because no answer came; the refunded amount.
 */
async function sentAgain(arena: Arena) {
  const orderId = await completedOrder(arena);
  const request = { token: arena.admin, body: { amount: 10 }, headers: { 'idempotency-key': randomUUID() } };
  const send = () => arena.platform.app.call('POST', `/api/order/${orderId}/refund`, request);
  const statuses = [(await send()).status, (await send()).status];
  await arena.rest();
  const kept = arena.bank.intents().map(({ amount, amountRefunded }) => amount - amountRefunded);
  return { statuses, kept, findings: await findings(arena) };
}

test('with the key’s guard, a repeated request refunds once', async () => {
  expect(await sentAgain(await guarded())).toEqual({ statuses: [200, 200], kept: [9_000], findings: [] });
});

test('without the key’s guard, a repeated request refunds twice (I7)', async () => {
  const guard = {
    statement: 'idempotency-claim',
    text: /ON CONFLICT[\s\S]*RETURNING claim/,
    becomes: 'RETURNING claim, $7::timestamptz',
  };
  const arena = await unguarded([guard], 'ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey');
  expect(await sentAgain(arena)).toEqual({
    statuses: [200, 200],
    kept: [8_000],
    findings: ['I7 a request’s key was kept more than once'],
  });
});
