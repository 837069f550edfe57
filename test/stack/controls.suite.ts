import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { compareAnnounced } from '../support/announced.ts';
import { sendToTopic } from '../support/kafka-sender.ts';
import { openHall } from '../support/stack/buyers.ts';
import { moneyDifferences } from '../support/stack/money.ts';
import type { Stack } from '../support/stack/stack.ts';
import { stripeApi } from '../support/stripe-api.ts';
import { suffer } from './faults.suite.ts';

const SHORT_MS = 4_000;

/** Shows that each check made after a fault can fail. It runs last, because some of its effects stay. */
export function controlsSuite(stackOf: () => Stack): void {
  const announced = (waitMs?: number) => {
    const { servers } = stackOf();
    return compareAnnounced(servers.directDsn(), servers.links.kafka.address, waitMs);
  };

  test('it fails the check of recovery when a server never comes back', async () => {
    const stack = stackOf();
    const fault = {
      name: 'for good',
      mayAnswer: [],
      strike: () => stack.seating.refuse(),
      lasts: () => setTimeout(500),
      heal: () => undefined,
    };
    const suffered = suffer(stack, await openHall(stack.url), fault, SHORT_MS);
    await expect(suffered).rejects.toThrow('waited in vain until buyers are served again');
    stack.seating.heal();
  });

  test('it fails the check of announcements when a network does not heal', async () => {
    const { kafka } = stackOf().servers.links;
    await announced();
    kafka.refuse();
    const { event_id, session_id, organization_id, seatIds } = await openHall(stackOf().url);
    const token = await stackOf().servers.keycloak.signIn('buyer');
    const place = (seat: string) =>
      fetch(`${stackOf().url}/api/order`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event_id, session_id, organization_id, seat_ids: [seat] }),
      });
    let isPlaced = false;
    for (const seat of seatIds.toReversed()) {
      isPlaced ||= (await place(seat)).status === 201;
      if (isPlaced) break;
    }
    await expect(announced(SHORT_MS)).rejects.toThrow('waited in vain until everything is announced');
    kafka.heal();
    expect(await announced()).toMatchObject({ strays: [], misordered: [], missing: 0 });
  });

  test('it finds money without an order', async () => {
    const stripe = stripeApi(`http://${stackOf().stripe.address}`);
    const { id } = await stripe.post('payment_intents', {
      amount: '500',
      currency: 'lkr',
      payment_method: 'pm_card_visa',
      confirm: 'true',
      'automatic_payment_methods[enabled]': 'true',
      'automatic_payment_methods[allow_redirects]': 'never',
    });
    const found = await moneyDifferences(stackOf().servers.directDsn(), `http://${stackOf().stripe.address}`);
    expect(found).toEqual([expect.stringContaining(id)]);
  });

  test('it finds a message that was never stored', async () => {
    await sendToTopic(stackOf().servers.links.kafka.address, 'ticketly.order.updated', [
      { key: 'unknown', value: '{}' },
    ]);
    expect((await announced()).strays).toMatchObject([{ key: 'unknown' }]);
  });
}
