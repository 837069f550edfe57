import { describe, expect, test } from 'vitest';
import { Access } from '../../../src/features/access/index.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type EventId, type SessionId, type UserId } from '../../../src/kernel/ids.ts';

const event = as<EventId>('event');
const scannedAt = as<SessionId>('session');
const user = { userId: as<UserId>('user'), isAdmin: false, scopes: [], expiresAt: instant(0) };
const admin = { ...user, isAdmin: true };

/** A seating service that gives every question the same answer and counts the questions. */
function seating(answer: boolean | Error) {
  const asked: string[] = [];
  const ask = (question: string) => async () => {
    asked.push(question);
    await new Promise((done) => setImmediate(done));
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return {
    asked,
    access: new Access({
      ownsEvent: ask('event'),
      ownsSession: ask('session'),
      ownsOrganization: ask('organization'),
      ownsAllEvents: ask('events'),
      isScanner: ask('scanner'),
    }),
  };
}

describe('questions to the seating service', () => {
  test('it sends one question for all callers who ask at the same moment, whatever the answer', async () => {
    for (const answer of [true, false, new Error('unavailable')]) {
      const { access, asked } = seating(answer);
      const all = Array.from({ length: 1_000 }, () => access.roleFor('live.event', user, { event }));
      await Promise.allSettled(all);
      expect(asked).toEqual(['event']);
    }
  });

  test('it asks again about an owner each time, and about a scanner after a refusal', async () => {
    const { access, asked } = seating(false);
    await access.roleFor('live.event', user, { event });
    await access.roleFor('live.event', user, { event });
    await access.roleFor('door.bundle', user, { scannedAt });
    await access.roleFor('door.bundle', user, { scannedAt });
    expect(asked).toEqual(['event', 'event', 'scanner', 'scanner']);
  });

  test('it asks once about a scanner whom the service confirmed, and each time about an owner', async () => {
    const { access, asked } = seating(true);
    for (const _again of [1, 2]) {
      expect(await access.require('live.event', user, { event })).toBe('organiser');
      expect(await access.require('door.bundle', user, { scannedAt })).toBe('scanner');
    }
    expect(asked).toEqual(['event', 'scanner', 'event']);
  });

  test('it asks nothing about an administrator', async () => {
    const { access, asked } = seating(new Error('unavailable'));
    expect(await access.require('analytics.event', admin, { event })).toBe('admin');
    expect(asked).toEqual([]);
  });
});

test('it requires that every part of the subject belongs to the organiser', async () => {
  const { access } = seating(true);
  const subject = { event, session: scannedAt };
  expect(await access.require('analytics.session', user, subject)).toBe('organiser');
  await expect(access.require('analytics.session', user)).rejects.toMatchObject({
    code: 'forbidden',
    message: 'This session is not yours.',
  });
});
