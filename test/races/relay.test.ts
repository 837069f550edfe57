import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { Currency } from '../../src/kernel/money.ts';
import { type Arena, openArena } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { until } from '../support/servers.ts';
import { findingsIn } from '../support/test-app.ts';

let arena: Arena;

beforeAll(async () => {
  arena = await openArena();
});

test('two orders of one session may be published in the reverse of their commits without a finding', async () => {
  const { platform, interleaving, buyer: token } = arena;
  const relay = () => platform.app.app.turn('relay');
  const place = (who: string) =>
    arena.call(who, 'POST', '/api/order', {
      token,
      body: platform.request(),
      headers: { 'idempotency-key': randomUUID() },
    });
  const { answers } = await interleaving.race(
    inStretches({ who: 'first', before: 'database commit' }, { who: 'second' }, { who: 'relay' }),
    { first: () => place('first'), second: () => place('second'), relay },
  );
  expect(Object.values(answers).slice(0, 2)).toEqual([
    expect.objectContaining({ status: 201 }),
    expect.objectContaining({ status: 201 }),
  ]);
  const now = Date.now();
  await until('the clock advances', () => Date.now() > now);
  await arena.rest();
  const created = arena.events.messages.filter(({ topic }) => topic === 'ticketly.order.created');
  expect(created.map(({ key }) => key)).toEqual([answers.second.body.order_id, answers.first.body.order_id]);
  expect(await findingsIn(platform.app.dsn, new Currency('lkr'))).toEqual([]);
});
