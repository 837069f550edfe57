import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { revisionOf } from '../../../src/features/paper/revisions.store.ts';
import { createWriteCalendar } from '../../../src/features/paper/write-calendar.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type SessionId, type UserId } from '../../../src/kernel/ids.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { atEnd } from '../../support/at-end.ts';
import { completedOrder } from '../../support/built-orders.ts';
import { builtSession } from '../../support/built-sessions.ts';
import { LKR } from '../../support/currencies.ts';
import { testDatabase } from '../../support/own-database.ts';

let dsn: string;
let database: Database;

function open() {
  const onIdleError = () => undefined;
  const opened = openDatabase({ currency: LKR, dsn, maxConnections: 8, onIdleError });
  atEnd(() => opened.close());
  return opened;
}

beforeAll(async () => {
  dsn = await testDatabase();
  database = open();
});

const READER = { userId: as<UserId>('user'), isAdmin: false, scopes: [], expiresAt: instant(0) };
const newSession = () => as<SessionId>(randomUUID());
const hash = (content: string) => createHash('sha256').update(content).digest();

describe('ics-sequence: the revision of a session', () => {
  test('it grows with each change, also back to what was before, and only then', async () => {
    const session = newSession();
    const revisions: number[] = [];
    for (const content of ['a', 'a', 'b', 'b', 'a', 'c']) {
      revisions.push(await revisionOf(database, session, hash(content)));
    }
    expect(revisions).toEqual([1, 1, 2, 2, 3, 4]);
    expect(await revisionOf(database, newSession(), hash('c'))).toBe(1);
  });

  test('it goes on in another process', async () => {
    const session = newSession();
    await revisionOf(database, session, hash('a'));
    expect(await revisionOf(open(), session, hash('b'))).toBe(2);
    expect(await revisionOf(database, session, hash('b'))).toBe(2);
  });

  test('it grows by one when many ask for the changed session at once', async () => {
    const session = newSession();
    await revisionOf(database, session, hash('a'));
    const asked = await Promise.all(Array.from({ length: 20 }, () => revisionOf(database, session, hash('b'))));
    expect(new Set(asked)).toEqual(new Set([2]));
  });
});

test('ics-sequence: the file of a session that moved has a higher SEQUENCE, on every replica', async () => {
  const order = { ...completedOrder(), sessionId: newSession() };
  let session = builtSession();
  const clock = { now: () => instant(0) };
  const replicas = [database, open()].map((own) =>
    createWriteCalendar({ database: own, clock }, async () => order, {
      session: async () => session,
      place: async () => undefined,
    }),
  );
  const sequences = async () => {
    const files = [];
    for (const write of replicas) files.push(await write(order.orderId, READER));
    return files.map((file) => /^SEQUENCE:(\d+)\r$/m.exec(file)?.[1]);
  };
  expect(await sequences()).toEqual(['1', '1']);
  session = builtSession({ startsAt: instant(session.startsAt + 3_600_000) });
  expect(await sequences()).toEqual(['2', '2']);
});
