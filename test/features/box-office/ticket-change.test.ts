import { describe, expect, test } from 'vitest';
import { changesOf, refusedParts, relabelled } from '../../../src/features/box-office/ticket-change.ts';
import type { Ticket } from '../../../src/features/tickets/index.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type SeatId } from '../../../src/kernel/ids.ts';
import { builtTicket } from '../../support/built-orders.ts';

const TICKET = builtTicket('A1', {
  seatId: as<SeatId>('seat'),
  ticketId: as<Ticket['ticketId']>('ticket'),
  note: 'a ramp',
});
const UNCHANGED = { seatId: undefined, seatLabel: undefined, note: undefined, rest: {} };

describe('the parts of a ticket that a request names', () => {
  const wire = { tier_id: 'tier', price_at_purchase: 1 };

  test('a part that equals the stored one changes nothing', () => {
    expect(refusedParts({ tier_id: 'tier', price_at_purchase: 1 }, wire)).toEqual([]);
  });

  test('a fixed part and an unknown part are refused, each with its reason', () => {
    expect(refusedParts({ tier_id: 'other', row: 3 }, wire)).toEqual([
      { field: 'body/tier_id', reason: 'a ticket stays in its tier: void it and issue a new ticket' },
      { field: 'body/row', reason: 'a ticket has no such field' },
    ]);
  });

  test.each(['toString', '__proto__', 'constructor'])('%s is no part of a ticket', (part) => {
    expect(refusedParts(Object.fromEntries([[part, 1]]), wire)).toEqual([
      { field: `body/${part}`, reason: 'a ticket has no such field' },
    ]);
  });
});

describe('the label and note of a ticket', () => {
  test('they stay when the request leaves them out', () => {
    expect(relabelled(TICKET, UNCHANGED)).toEqual(TICKET);
  });

  test('an empty note removes the note', () => {
    expect(relabelled(TICKET, { ...UNCHANGED, note: '' }).note).toBeUndefined();
  });

  test('they become what the request says', () => {
    expect(relabelled(TICKET, { ...UNCHANGED, seatLabel: 'Box 1', note: 'late' })).toMatchObject({
      seatLabel: 'Box 1',
      note: 'late',
    });
  });
});

describe('the audit trail of a change', () => {
  test('it records nothing when nothing differs, whatever a check-in changed', () => {
    expect(changesOf(TICKET, { ...TICKET, checkedInAt: instant(5) })).toBeUndefined();
  });

  test('it records only what differs, before and after', () => {
    const moved = { ...TICKET, seatId: as<SeatId>('other'), seatLabel: 'A2' };
    expect(changesOf(TICKET, moved)).toEqual({
      before: { seat_id: 'seat', seat_label: 'A1' },
      after: { seat_id: 'other', seat_label: 'A2' },
    });
  });

  test('it records that the note changed, and never its text', () => {
    const change = changesOf(TICKET, { ...TICKET, note: 'a secret' });
    expect(change).toEqual({ before: { has_note: true }, after: { has_note: true, is_note_new: true } });
  });
});
