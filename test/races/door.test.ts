import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { as, type SessionId, type TicketId } from '../../src/kernel/ids.ts';
import { type Arena, openArena } from '../support/arena.ts';
import { expectSound } from '../support/ledger.ts';
import { explore, inShort, racesIn } from '../support/race-test.ts';
import { twoScanners } from '../support/races.ts';
import { rounds } from '../support/rounds.ts';
import { everySchedule } from '../support/schedules.ts';

let arena: Arena;
const race = racesIn(() => arena, rounds(200));
let scanners: string[];

beforeAll(async () => {
  arena = await openArena();
  scanners = await twoScanners(arena.platform);
  // Each process asks the platform once about scanner and session and caches the answer; that is not part of a race.
  const { qrText } = await sold();
  for (const at of [0, 1]) await scan('before', at, qrText);
});

/** A ticket of a completed order with its QR text. */
async function sold() {
  const { buyer: token, platform } = arena;
  const seatIds = [randomUUID()];
  const orderId = await platform.place(token, seatIds);
  await arena.confirm(await arena.offer(orderId));
  const { body } = await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token });
  const ticketId = as<TicketId>(body.tickets[0].ticket_id);
  const qrText = await arena.sealer.seal({ ticketId, sessionId: as<SessionId>(platform.sessionId) });
  return { orderId, seatIds, ticketId, qrText };
}

function scan(who: string, at: number, qrText: string, key?: string) {
  return arena.call(who, 'POST', '/api/order/ticket/checkin', {
    token: scanners[at] ?? '',
    body: { encrypted_qr: qrText },
    ofReplica: at === 1,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
}

async function forgetCheckIn(orderId: string): Promise<void> {
  const text = `WITH forgotten AS (DELETE FROM scans WHERE ticket_id IN (SELECT ticket_id FROM tickets WHERE order_id = $1))
                UPDATE tickets SET checked_in = false, checked_in_time = NULL, checked_in_by = NULL WHERE order_id = $1`;
  await arena.rows(text, [orderId]);
}

test('one of two scanners admits a ticket, in every order of their effects', async ({ annotate }) => {
  const { orderId, qrText } = await sold();
  const explored = await explore(arena, everySchedule(), async (choose) => {
    await forgetCheckIn(orderId);
    const { answers } = await arena.race(choose, {
      left: () => scan('left', 0, qrText),
      right: () => scan('right', 1, qrText),
    });
    const { left, right } = answers;
    expect([left.status, right.status].toSorted()).toEqual([200, 409]);
    const refused = left.status === 409 ? left : right;
    expect(refused.body.code).toBe('already_checked_in');
    return left.status === 200 ? 'left admits' : 'right admits';
  });
  await annotate(inShort(explored));
  expect(explored.schedules).toBe(explored.rounds);
  expect(Object.keys(explored.outcomes)).toHaveLength(2);
});

// The scan that admits has few effects: a claim, one statement, the receipt and a commit.
race(
  'one of two scanners admits a ticket when each scan is a transaction with its Idempotency-Key',
  { schedules: 15, outcomes: ['left admits', 'right admits'] },
  async (choose) => {
    const { qrText } = await sold();
    const { answers } = await arena.race(choose, {
      left: () => scan('left', 0, qrText, randomUUID()),
      right: () => scan('right', 1, qrText, randomUUID()),
    });
    const { left, right } = answers;
    expect([left.status, right.status].toSorted()).toEqual([200, 409]);
    return left.status === 200 ? 'left admits' : 'right admits';
  },
);

race(
  'neither of two scans admits a ticket after an administrator’s concurrent cancel has voided it',
  { schedules: 100, outcomes: 2 },
  async (choose) => {
    const { admin: token } = arena;
    const { orderId, seatIds, qrText } = await sold();
    const { answers, steps } = await arena.race(choose, {
      left: () => scan('left', 0, qrText),
      right: () => scan('right', 1, qrText),
      admin: () => arena.call('admin', 'DELETE', `/api/order/${orderId}`, { token, ofReplica: true }),
    });
    expect(answers.admin.status).toBe(204);
    await arena.rest();
    await expectSound(arena, orderId, seatIds);
    const at = (effect: string) => steps.findIndex((step) => step.effect === effect);
    const isOver = steps.findIndex((step) => step.who === 'admin' && step.effect === 'database commit');
    const admitted = [answers.left, answers.right].filter(({ status }) => status === 200);
    expect(admitted.length).toBeLessThan(2);
    if (admitted.length > 0) expect(at('database ticket-check-in')).toBeLessThan(isOver);
    const words = [answers.left, answers.right].map(({ status, body }) => (status === 200 ? 'admitted' : body.code));
    const outcome = words.toSorted().join(', ');
    // One scan wins, or the cancel does: a refusal because of the other scan needs one that was admitted.
    expect([
      'admitted, already_checked_in',
      'admitted, ticket_cancelled',
      'ticket_cancelled, ticket_cancelled',
    ]).toContain(outcome);
    return outcome;
  },
);

race(
  'at most one of two scans admits a ticket whose check-in the organiser undoes at the same time',
  { outcomes: ['undone last', 'undone, then let in again'] },
  async (choose) => {
    const { admin: token } = arena;
    const { qrText, ticketId } = await sold();
    await scan('before', 0, qrText);
    const { answers } = await arena.race(choose, {
      left: () => scan('left', 0, qrText),
      right: () => scan('right', 1, qrText),
      organiser: () => arena.call('organiser', 'DELETE', `/api/order/ticket/${ticketId}/checkin`, { token }),
    });
    expect(answers.organiser.status).toBe(200);
    const letIn = (['left', 'right'] as const).filter((who) => answers[who].status === 200);
    expect(letIn.length).toBeLessThan(2);
    const refused = [answers.left, answers.right].filter((each) => each.status !== 200);
    for (const { body } of refused) expect(body.code).toBe('already_checked_in');
    const [ticket] = await arena.rows<{ checked_in: boolean }>('SELECT checked_in FROM tickets WHERE ticket_id = $1', [
      ticketId,
    ]);
    expect(ticket?.checked_in).toBe(letIn.length === 1);
    return letIn.length === 1 ? 'undone, then let in again' : 'undone last';
  },
);
