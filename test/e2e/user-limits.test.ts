import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { openStream } from '../support/event-reader.ts';
import { newAdmin, newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { insertSold } from '../support/sold.ts';

/** What a user got, or why not; `giveBack` frees it. */
interface Taken {
  readonly status: number;
  readonly code: string | undefined;
  /** The value of `Retry-After`. */
  readonly retryAfter: string | undefined;
  giveBack(): Promise<unknown>;
}

interface Limit {
  readonly of: string;
  readonly most: number;
  readonly refusal: string;
  /** Whether trying again helps, which `Retry-After` then says. */
  readonly isShort: boolean;
  take(who: Person): Promise<Taken>;
}

const MOST = 3;
/** An export of so many orders is more than what the buffers of a connection take. */
const ORDERS = 20_000;

let platform: PlatformApp;

beforeAll(async () => {
  platform = await startPlatformApp({
    MAX_HELD_SEATS_PER_USER: String(MOST),
    MAX_STREAMS_PER_USER: String(MOST),
    MAX_EXPORTS: '6',
  });
  const ids = { event_id: platform.eventId, session_id: platform.sessionId, organization_id: platform.organizationId };
  await insertSold(platform.app, ids, { orders: ORDERS });
});

async function holdSeat(who: Person): Promise<Taken> {
  const { status, body, headers } = await who.tries.order([randomUUID()]);
  const retryAfter = headers.get('retry-after') ?? undefined;
  return { status, code: body.code, retryAfter, giveBack: async () => status === 201 && (await who.cancel(body)) };
}

async function openEventStream(who: Person): Promise<Taken> {
  const path = `/api/order/sse/checkouts/event/${platform.eventId}`;
  const reader = await openStream(platform.app.url, path, { token: who.token });
  const { status, text, headers } = reader;
  return { status, ...refusalIn(status, text, headers), giveBack: async () => reader.close() };
}

async function beginExport(who: Person): Promise<Taken> {
  const path = `/api/order/analytics/events/${platform.eventId}/export?format=csv&what=tickets`;
  const headers = { authorization: `Bearer ${who.token}` };
  const answer = await request(platform.app.url + path, { headers });
  const text = answer.statusCode === 200 ? '' : await answer.body.text();
  const giveBack = async () => void answer.body.on('error', () => undefined).destroy();
  return { status: answer.statusCode, ...refusalIn(answer.statusCode, text, answer.headers), giveBack };
}

function refusalIn(status: number, text: string, headers: Readonly<Record<string, string | string[] | undefined>>) {
  const code: string | undefined = status < 400 ? undefined : JSON.parse(text).code;
  return { code, retryAfter: headers['retry-after']?.toString() };
}

const LIMITS: readonly Limit[] = [
  { of: 'held seats', most: MOST, refusal: '409 too_many_seats_held', isShort: false, take: holdSeat },
  { of: 'event streams', most: MOST, refusal: '429 too_many_streams', isShort: true, take: openEventStream },
  { of: 'exports', most: 1, refusal: '429 export_under_way', isShort: true, take: beginExport },
];

const isGiven = ({ status }: Taken) => status < 300;
const giveBackAll = (taken: readonly Taken[]) => Promise.all(taken.map((each) => each.giveBack()));

describe.each(LIMITS)('a user’s $of', ({ most, refusal, isShort, take }) => {
  /** Someone who may do all of it, as a user without a limit of their own. */
  const newUser = () => newAdmin(platform);

  test('end at the limit with a refusal that says so, while another user still gets theirs', async () => {
    const [greedy, other] = await Promise.all([newUser(), newUser()]);
    const taken: Taken[] = [];
    for (let count = 0; count < most; count += 1) taken.push(await take(greedy));
    expect(taken.map(({ status }) => status < 300)).toEqual(Array(most).fill(true));
    for (let tries = 0; tries < 3; tries += 1) {
      const { status, code, retryAfter } = await take(greedy);
      expect(`${status} ${code}`).toBe(refusal);
      expect(retryAfter === undefined).toBe(!isShort);
    }
    const others = await take(other);
    expect(isGiven(others)).toBe(true);
    await giveBackAll([...taken, others]);
  });

  test('are no more when many are taken at once', async () => {
    const greedy = await newUser();
    const taken = await Promise.all(Array.from({ length: 4 * most + 4 }, () => take(greedy)));
    expect(taken.filter(isGiven)).toHaveLength(most);
    const refused = taken.filter((each) => !isGiven(each));
    expect(new Set(refused.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set([refusal]));
    await giveBackAll(taken);
  });

  test('can be taken again once given back', async () => {
    const greedy = await newUser();
    for (let round = 0; round < 3; round += 1) {
      const taken: Taken[] = [];
      await until('there is room again', async () => {
        const next = await take(greedy);
        if (isGiven(next)) taken.push(next);
        return taken.length === most;
      });
      expect(isGiven(await take(greedy))).toBe(false);
      await giveBackAll(taken);
    }
  });

  test('are counted for the user, whichever of their tokens they use', async () => {
    const one = await newUser();
    const again = await newPerson(platform, {
      id: one.id,
      claims: { user_groups: ['/Permissions/Users/System Admins'], session_state: randomUUID() },
    });
    const taken: Taken[] = [];
    for (let count = 0; count < most; count += 1) taken.push(await take(count % 2 === 0 ? one : again));
    expect(taken.every(isGiven)).toBe(true);
    for (const each of [one, again]) expect(isGiven(await take(each))).toBe(false);
    await giveBackAll(taken);
  });
});
