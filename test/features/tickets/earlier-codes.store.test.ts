import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  claimPictures,
  countByState,
  countWaiting,
  findByHash,
  saveRead,
  withdrawEarlierCodes,
} from '../../../src/features/tickets/earlier-codes.store.ts';
import { instant, later } from '../../../src/kernel/clock.ts';
import { as, type TicketId } from '../../../src/kernel/ids.ts';
import { openDatabase } from '../../../src/platform/postgres/database.ts';
import { migrateUp } from '../../../src/platform/postgres/migrations.ts';
import { LKR } from '../../support/currencies.ts';
import { REAL_PICTURE } from '../../support/earlier-codes.ts';
import { earlierTicket, earlierTickets } from '../../support/earlier-service.ts';

const NOW = instant(Date.parse('2026-11-24T12:00:00Z'));
const CLAIM_MS = 60_000;
const PROCESSES = 8;
const SESSION = randomUUID();

/** A database that was taken over with this many pictures. */
async function takenOver(pictures: number) {
  const earlier = await earlierTickets(randomUUID(), randomUUID());
  const sold = Array.from({ length: pictures }, () => ({ ...earlierTicket(SESSION), picture: REAL_PICTURE }));
  await earlier.insert(sold);
  await migrateUp({ dsn: earlier.dsn, dir: 'migrations' });
  const onIdleError = () => undefined;
  const database = openDatabase({ currency: LKR, dsn: earlier.dsn, maxConnections: PROCESSES, onIdleError });
  onTestFinished(() => database.close());
  return { database, ticketIds: sold.map(({ ticketId }) => as<TicketId>(ticketId)).toSorted() };
}

describe('legacy-qr: claiming a picture', () => {
  test('each of several concurrent claimers gets different pictures', async () => {
    const { database, ticketIds } = await takenOver(400);
    const claimed: string[] = [];
    const work = async () => {
      for (;;) {
        const mine = await claimPictures(database, 'untried', NOW, 10);
        if (mine.length === 0) return;
        claimed.push(...mine.map(({ ticketId }) => ticketId));
      }
    };
    await Promise.all(Array.from({ length: PROCESSES }, work));
    // Rows that another claimer had locked at that instant are found by the next turn.
    await work();
    expect(claimed.toSorted()).toEqual(ticketIds);
  });

  test('a claimed picture is free again after a minute, for a claimer that takes it alone', async () => {
    const { database, ticketIds } = await takenOver(2);
    expect(await claimPictures(database, 'tried', NOW, 1)).toEqual([]);
    const first = await claimPictures(database, 'untried', NOW, 50);
    expect(first.map(({ ticketId, attempts }) => [ticketId, attempts]).toSorted()).toEqual(
      ticketIds.map((id) => [id, 1]),
    );
    expect(first.every(({ picture }) => picture?.equals(REAL_PICTURE))).toBe(true);
    const soon = later(NOW, CLAIM_MS - 1);
    expect(await claimPictures(database, 'tried', soon, 50)).toEqual([]);
    const after = await claimPictures(database, 'tried', later(NOW, CLAIM_MS), 1);
    expect(after).toMatchObject([{ ticketId: ticketIds[0], attempts: 2 }]);
  });
});

describe('legacy-qr: the state of a code', () => {
  test('it stays withdrawn when it is withdrawn while its picture is read', async () => {
    const { database, ticketIds } = await takenOver(1);
    await claimPictures(database, 'untried', NOW, 50);
    expect(await withdrawEarlierCodes(database, ticketIds)).toBe(1);
    const read = ticketIds.map((ticketId) => ({ ticketId, hash: randomBytes(32) }));
    await saveRead(database, read);
    expect(await countByState(database)).toEqual({ good: 0, unreadable: 0, withdrawn: 1 });
  });

  test('it is found by its hash, and after a withdrawal reported as withdrawn, however often that is repeated', async () => {
    const { database, ticketIds } = await takenOver(1);
    const [ticketId] = ticketIds;
    if (!ticketId) throw new Error('there is no ticket');
    const hash = randomBytes(32);
    expect(await findByHash(database, hash)).toBeUndefined();
    await saveRead(database, [{ ticketId, hash }]);
    expect(await findByHash(database, hash)).toEqual({ ticketId, sessionId: SESSION, isWithdrawn: false });
    expect(await withdrawEarlierCodes(database, ticketIds)).toBe(1);
    expect(await withdrawEarlierCodes(database, ticketIds)).toBe(0);
    expect(await findByHash(database, hash)).toEqual({ ticketId, sessionId: SESSION, isWithdrawn: true });
  });

  test('it is refused for a second ticket with the same text', async () => {
    const { database, ticketIds } = await takenOver(3);
    const [one, other, last] = ticketIds;
    if (!one || !other || !last) throw new Error('a ticket is missing');
    const hash = randomBytes(32);
    await saveRead(database, [{ ticketId: other, hash }]);
    await saveRead(database, [
      { ticketId: one, hash },
      { ticketId: last, hash: undefined },
    ]);
    expect(await findByHash(database, hash)).toMatchObject({ ticketId: other });
    expect(await countByState(database)).toEqual({ good: 1, unreadable: 2, withdrawn: 0 });
    expect(await countWaiting(database)).toBe(0);
  });
});
