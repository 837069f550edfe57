import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

/** Enough to open a circuit. */
const FAILURES = 12;

let platform: PlatformApp;
let organiser: string;

beforeAll(async () => {
  platform = await startPlatformApp();
  const sub = randomUUID();
  organiser = await platform.token(sub);
  platform.seating.owners.set(platform.eventId, sub);
});

beforeEach(() => {
  platform.seating.query = undefined;
  platform.seating.seating = undefined;
});

async function placeMany(): Promise<number[]> {
  const token = await platform.token(randomUUID());
  const statuses: number[] = [];
  for (let order = 0; order < FAILURES; order += 1) {
    const { status } = await platform.app.call('POST', '/api/order', { token, body: platform.request() });
    statuses.push(status);
  }
  return statuses;
}

const placeOne = async () =>
  platform.app.call('POST', '/api/order', { token: await platform.token(randomUUID()), body: platform.request() });

const readAsOrganiser = () =>
  platform.app.call('GET', `/api/order/analytics/events/${platform.eventId}`, { token: organiser });

describe('breaker-for-all: orders of one buyer that a seating service cannot answer', () => {
  test.each(['query', 'seating'] as const)(
    'they leave another buyer’s order alone: 404, 422 and 500 of the %s service',
    async (service) => {
      for (const status of [404, 422, 500]) {
        platform.seating[service] = { status, body: { message: 'NullPointerException' } };
        expect(await placeMany()).toEqual(Array(FAILURES).fill(503));
        platform.seating[service] = undefined;
        expect(await placeOne()).toMatchObject({ status: 201 });
      }
    },
  );

  test('they leave the organiser’s questions alone, also while no order can be placed', async () => {
    platform.seating.seating = { status: 503, body: undefined };
    expect(await placeMany()).toEqual(Array(FAILURES).fill(503));
    platform.seating.seating = undefined;
    expect(await placeOne()).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
    expect(await readAsOrganiser()).toMatchObject({ status: 200 });
  });
});
