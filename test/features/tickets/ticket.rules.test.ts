import { expect, test } from 'vitest';
import { decideCheckIn, type Ticket } from '../../../src/features/tickets/ticket.rules.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { money } from '../../../src/kernel/money.ts';

const SESSION = as<Ticket['sessionId']>('session');
const AT = instant(5);
const ticket: Ticket = {
  ticketId: as<Ticket['ticketId']>('ticket'),
  orderId: as<Ticket['orderId']>('order'),
  sessionId: SESSION,
  seatId: as<Ticket['seatId']>('A1'),
  seatLabel: 'A1',
  colour: '',
  tierId: as<Ticket['tierId']>('tier'),
  tierName: 'VIP',
  price: money(1),
  issuedAt: AT,
  voidedAt: undefined,
  checkedInAt: undefined,
};

test.each([
  ['a good one', {}, 'completed', SESSION, { outcome: 'admit' }],
  ['one of a pending order', {}, 'pending', SESSION, { outcome: 'refuse', code: 'ticket_not_paid' }],
  ['one of a cancelled order', {}, 'cancelled', SESSION, { outcome: 'refuse', code: 'ticket_cancelled' }],
  ['a voided one', { voidedAt: AT }, 'completed', SESSION, { outcome: 'refuse', code: 'ticket_cancelled' }],
  [
    'one let in before',
    { checkedInAt: AT },
    'completed',
    SESSION,
    { outcome: 'refuse', code: 'already_checked_in', at: AT },
  ],
  [
    'one let in before and then voided',
    { checkedInAt: AT, voidedAt: AT },
    'completed',
    SESSION,
    { code: 'ticket_cancelled' },
  ],
  [
    'one sealed for another session',
    {},
    'completed',
    as<Ticket['sessionId']>('other'),
    { outcome: 'refuse', code: 'ticket_forged' },
  ],
] as const)('%s', (_name, changes, orderStatus, sealedFor, decision) => {
  expect(decideCheckIn({ ticket: { ...ticket, ...changes }, orderStatus }, sealedFor)).toMatchObject(
    decision,
  );
});
