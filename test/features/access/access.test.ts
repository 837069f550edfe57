import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Access, notFound, PERMISSIONS, type Permission } from '../../../src/features/access/index.ts';
import { HIDDEN, type Rule } from '../../../src/features/access/permissions.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { as, type EventId, type SessionId, type UserId } from '../../../src/kernel/ids.ts';
import type { Principal } from '../../../src/kernel/principal.ts';

const [buyer, organiser, scanner, admin, stranger] = ['buyer', 'organiser', 'scanner', 'admin', 'stranger'].map(
  (name): Principal => ({
    userId: as<UserId>(name),
    isAdmin: name === 'admin',
    scopes: [],
    expiresAt: instant(0),
  }),
) as [Principal, Principal, Principal, Principal, Principal];
const event = as<EventId>('event');
const session = as<SessionId>('session');
/** Everything a permission may be checked on, with the caller’s relation to it held in those five users. */
const subject = { owner: buyer.userId, event, session, scannedAt: session };

let asked: string[];
let access: Access;

beforeEach(() => {
  asked = [];
  const answer = (question: string, isYes: boolean) => {
    asked.push(question);
    return Promise.resolve(isYes);
  };
  access = new Access({
    ownsEvent: (id, who) => answer(`event ${id} ${who}`, who === organiser.userId && id === event),
    ownsSession: (id, who) => answer(`session ${id} ${who}`, who === organiser.userId),
    ownsOrganization: (id, who) => answer(`organization ${id} ${who}`, false),
    ownsAllEvents: (ids, who) =>
      answer(`events ${ids.join()} ${who}`, who === organiser.userId && ids.every((id) => id === event)),
    isScanner: (id, who) => answer(`scanner ${id} ${who}`, who === scanner.userId),
  });
});

/** Access for which the seating service fails each question. */
function failingWith(error: Error) {
  const failing = vi.fn(() => Promise.reject(error));
  const ownsAll = { ownsEvent: failing, ownsSession: failing, ownsOrganization: failing, ownsAllEvents: failing };
  return { failing, access: new Access({ ...ownsAll, isScanner: failing }) };
}

function refusal(permission: Permission, who: Principal, about: Parameters<Access['require']>[2] = subject) {
  return access.require(permission, who, about).then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? { code: error.code, detail: error.message } : error),
  );
}

describe('permissions', () => {
  const people = { buyer, organiser, scanner, admin, stranger };
  const roleOf = { buyer: 'owner', organiser: 'organiser', scanner: 'scanner', admin: 'admin' } as const;

  /** The refusal of a user with this role, who may or may not know of the order or ticket. */
  function refusedAs(name: Permission, role: string | undefined) {
    const { refusal: detail, of }: Rule = PERMISSIONS[name];
    const knowing: readonly string[] = of === undefined ? [] : PERMISSIONS[HIDDEN[of].knows].roles;
    if (of === undefined || knowing.includes(role ?? '')) return { code: 'forbidden', detail };
    return { code: `${of}_not_found`, detail: HIDDEN[of].detail };
  }

  test.each(Object.keys(PERMISSIONS) as Permission[])(
    '%s is granted to exactly the roles that the table names',
    async (name) => {
      const roles: readonly string[] = PERMISSIONS[name].roles;
      for (const [person, who] of Object.entries(people)) {
        const role = roleOf[person as keyof typeof roleOf];
        const mayPass = roles.includes('user') || (role !== undefined && roles.includes(role));
        expect(await refusal(name, who), person).toEqual(mayPass ? undefined : refusedAs(name, role));
      }
    },
  );

  test('an administrator passes wherever an organiser passes', () => {
    const rules = Object.entries<{ readonly roles: readonly string[] }>(PERMISSIONS);
    const others = rules.filter(([, { roles }]) => roles.includes('organiser') && !roles.includes('admin'));
    expect(others).toEqual([]);
  });

  test('it resolves with the role by which the caller passes, an administrator’s before the owner’s', async () => {
    expect(await access.require('order.cancel', buyer, subject)).toBe('owner');
    expect(await access.require('order.cancel', admin, subject)).toBe('admin');
    expect(await access.require('order.cancel', { ...buyer, isAdmin: true }, subject)).toBe('admin');
    expect(await access.require('order.read', organiser, subject)).toBe('organiser');
  });
});

test('oracle: what a user may not know of is refused as an unknown id is', async () => {
  const error = (thrown: unknown) => (thrown instanceof AppError ? { ...thrown, detail: thrown.message } : undefined);
  const refused = async (permission: Permission, who: Principal) =>
    error(await access.require(permission, who, subject).catch((thrown: unknown) => thrown));
  for (const permission of ['order.read', 'order.change', 'order.cancel', 'order.pay', 'order.refund'] as const)
    expect(await refused(permission, stranger)).toEqual(error(notFound('order')));
  for (const permission of ['ticket.read', 'ticket.print', 'ticket.amend', 'ticket.undo-check-in'] as const)
    expect(await refused(permission, stranger)).toEqual(error(notFound('ticket')));
  // Those who may read it are told why they may not do more.
  expect(await refused('order.refund', buyer)).toMatchObject({ code: 'forbidden' });
  expect(await refused('ticket.amend', scanner)).toMatchObject({ code: 'forbidden' });
});

describe('access that needs the seating service', () => {
  test('it does not ask the service about administrators and owners', async () => {
    await access.require('order.read', buyer, subject);
    await access.require('order.read', admin, subject);
    expect(asked).toEqual([]);
  });

  test('it asks about every part of a subject, and one refusal refuses the caller', async () => {
    const other = as<EventId>('other');
    expect(await refusal('order.read', organiser, { event, session })).toBeUndefined();
    expect(await refusal('order.read', organiser, { event: other, session })).toMatchObject({
      code: 'order_not_found',
    });
    expect(await refusal('analytics.event', organiser, { events: [event, other] })).toMatchObject({
      code: 'forbidden',
    });
  });

  test('it lets no organiser pass for a subject that has no part an organiser can own', async () => {
    expect(await refusal('order.read', organiser, { owner: buyer.userId })).toMatchObject({
      code: 'order_not_found',
    });
    expect(asked).toEqual([]);
  });

  test('it does not take a failure of the service for a refusal', async () => {
    const failure = new AppError('seating_unavailable', 'It does not answer.');
    const { access: unavailable } = failingWith(failure);
    await expect(unavailable.require('order.read', stranger, subject)).rejects.toBe(failure);
    await expect(unavailable.require('ticket.check-in', scanner, subject)).rejects.toBe(failure);
  });

  test('it asks once about a scanner who passed, and each time about an organiser and a user who did not', async () => {
    const scans = { scannedAt: session };
    await access.require('ticket.check-in', scanner, scans);
    await access.require('ticket.check-in', scanner, scans);
    expect(asked).toHaveLength(1);
    for (const _again of [1, 2]) await refusal('ticket.check-in', stranger, scans);
    expect(asked).toHaveLength(3);
    for (const _again of [1, 2]) await access.require('live.event', organiser, { event });
    expect(asked).toHaveLength(5);
  });

  test('it sends one question for all callers who ask at the same moment, whatever the answer', async () => {
    for (const who of [organiser, stranger]) {
      asked = [];
      await Promise.all(Array.from({ length: 1_000 }, () => access.roleFor('live.event', who, { event })));
      expect(asked).toEqual([`event event ${who.userId}`]);
    }
    const { access: unavailable, failing } = failingWith(new Error('unavailable'));
    await Promise.allSettled(Array.from({ length: 1_000 }, () => unavailable.roleFor('live.event', buyer, { event })));
    expect(failing).toHaveBeenCalledTimes(1);
  });
});
