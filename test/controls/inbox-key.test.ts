import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Arena, payElsewhere } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { findings, guarded, unguarded } from './open-arena.ts';

/** A webhook arrives twice before it is applied; how often it is stored, and what is wrong then. */
async function deliveredTwice(arena: Arena) {
  const orderId = await arena.platform.place(arena.buyer);
  const intentId = await payElsewhere(arena, orderId);
  const eventId = `evt_${randomUUID()}`;
  const { steps } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database inbox-claim' }, { who: 'again' }),
    {
      first: () => arena.reportPayment('first', orderId, intentId, { eventId }),
      again: () => arena.reportPayment('again', orderId, intentId, { eventId, ofReplica: true }),
    },
  );
  const applied = steps.filter(({ effect }) => effect === 'database payment-record').length;
  return { applied, findings: await findings(arena) };
}

test('with the inbox’s key, a webhook that arrives twice is stored and applied once', async () => {
  expect(await deliveredTwice(await guarded())).toEqual({ applied: 1, findings: [] });
});

test('without the inbox’s key, it is stored and applied twice (I7)', async () => {
  const key = { statement: 'inbox-store', text: 'ON CONFLICT (event_id) DO NOTHING', becomes: '' };
  const arena = await unguarded([key], 'ALTER TABLE stripe_inbox DROP CONSTRAINT stripe_inbox_pkey');
  expect(await deliveredTwice(arena)).toEqual({ applied: 2, findings: ['I7 a webhook was kept more than once'] });
});
