import { expect, test } from 'vitest';
import { Access } from '../../../src/features/access/index.ts';
import { ReadCode } from '../../../src/features/door/read-code.ts';
import { TakeBatch } from '../../../src/features/door/take-batch.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type SessionId, type TicketId, type UserId } from '../../../src/kernel/ids.ts';

const user = { userId: as<UserId>('stranger'), isAdmin: false, scopes: [], expiresAt: instant(0) };

test('a thousand scans by an unauthorised caller cost one question per session, and no statement', async () => {
  const asked: string[] = [];
  const unused = () => Promise.reject(new Error('not part of this test'));
  const access = new Access({
    ownsEvent: unused,
    ownsSession: unused,
    ownsOrganization: unused,
    ownsAllEvents: unused,
    async isScanner(sessionId) {
      asked.push(sessionId);
      return false;
    },
  });
  const open = async (text: string) => ({
    outcome: 'opened' as const,
    keyId: 1,
    ticketId: as<TicketId>(text),
    sessionId: as<SessionId>(text.endsWith('0') ? 'even' : 'odd'),
  });
  const takeBatch = new TakeBatch({
    database: {} as never,
    access,
    readCode: new ReadCode({ open }, { find: unused }),
    clock: { now: () => instant(0) },
  });
  const scans = Array.from({ length: 1_000 }, (_, at) => ({
    qrText: `text ${at}`,
    door: undefined,
    direction: 'entry' as const,
    gate: undefined,
    deviceId: undefined,
    nonce: `nonce ${at}`,
    claimedAt: instant(0),
  }));
  const answers = await takeBatch.take(scans, user);
  expect(answers).toHaveLength(1_000);
  for (const answer of answers) {
    expect(answer).toMatchObject({ outcome: 'failed', error: { code: 'ticket_wrong_session' } });
  }
  expect(asked.toSorted()).toEqual(['even', 'odd']);
});
