import { describe, expect, test } from 'vitest';
import { Access } from '../../../src/features/access/index.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type EventId, type SessionId, type UserId } from '../../../src/kernel/ids.ts';

const event = as<EventId>('event');
const scannedAt = as<SessionId>('session');
const user = { userId: as<UserId>('user'), isAdmin: false, scopes: [], expiresAt: instant(0) };
const admin = { ...user, isAdmin: true };

/** A seating service that answers each question the same, and counts them. */
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

describe('the seating service', () => {
  test('is asked once by all who ask at the same moment, whatever it answers', async () => {
    for (const answer of [true, false, new Error('unavailable')]) {
      const { access, asked } = seating(answer);
      const all = Array.from({ length: 1_000 }, () => access.roleFor('live.event', user, { event }));
      await Promise.allSettled(all);
      expect(asked).toEqual(['event']);
    }
  });

  test('is asked again about an owner each time, and about a scanner after a no', async () => {
    const { access, asked } = seating(false);
    await access.roleFor('live.event', user, { event });
    await access.roleFor('live.event', user, { event });
    await access.roleFor('door.bundle', user, { scannedAt });
    await access.roleFor('door.bundle', user, { scannedAt });
    expect(asked).toEqual(['event', 'event', 'scanner', 'scanner']);
  });

  test('is asked about a scanner once, and about an owner each time, after a yes', async () => {
    const { access, asked } = seating(true);
    for (const _again of [1, 2]) {
      expect(await access.require('live.event', user, { event })).toBe('organiser');
      expect(await access.require('door.bundle', user, { scannedAt })).toBe('scanner');
    }
    expect(asked).toEqual(['event', 'scanner', 'event']);
  });

  test('is asked nothing about an administrator', async () => {
    const { access, asked } = seating(new Error('unavailable'));
    expect(await access.require('analytics.event', admin, { event })).toBe('admin');
    expect(asked).toEqual([]);
  });
});

test('every part of the subject must be the organiser’s', async () => {
  const { access } = seating(true);
  const subject = { event, session: scannedAt };
  expect(await access.require('analytics.session', user, subject)).toBe('organiser');
  await expect(access.require('analytics.session', user)).rejects.toMatchObject({
    code: 'forbidden',
    message: 'This session is not yours.',
  });
});
