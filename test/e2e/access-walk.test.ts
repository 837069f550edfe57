import { beforeAll, describe, expect, test } from 'vitest';
import { walkOracle } from '../support/access-walk/oracle.ts';
import { documentedRoutes, requestOf, slotsOf } from '../support/access-walk/requests.ts';
import { ROUTES } from '../support/access-walk/routes.ts';
import { walkForeignIds, walkPasses, walkRefusals } from '../support/access-walk/walk.ts';
import { type Caller, openWorld, type World } from '../support/access-walk/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

describe('the access table and the OpenAPI document', () => {
  test('have the same routes', async () => {
    const documented = [...(await documentedRoutes(world)).keys()];
    expect(documented.toSorted()).toEqual(Object.keys(ROUTES).toSorted());
  });

  test('have the same ids: each request of the table fills in every id that its route takes', async () => {
    const about = { world, sale: world.sales.completed };
    const missing = [...(await documentedRoutes(world))].flatMap(([route, ids]) => {
      const row = ROUTES[route];
      if (!row) return [];
      const { query, body } = requestOf(route, row, about);
      const has = new Set([...slotsOf(requestOf(route, row, about)).map(({ at }) => at), ...fieldsOf({ query, body })]);
      return ids.filter((id) => !has.has(id)).map((id) => `${route}: ${id}`);
    });
    expect(missing).toEqual([]);
  });
});

/** Fields that are null have their place, too. */
function fieldsOf(parts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(parts).flatMap(([part, fields]) => Object.keys(fields ?? {}).map((name) => `${part}.${name}`));
}

describe.each(Object.keys(ROUTES))('%s', (route) => {
  test('it refuses every caller without access, and neither changes nor reveals anything', async () => {
    expect(await walkRefusals(world, route)).toEqual([]);
  });

  test('it tells nobody without access what exists', async () => {
    expect(await walkOracle(world, route)).toEqual([]);
  });

  test('it answers every caller with access', async () => {
    expect(await walkPasses(world, route)).toEqual([]);
  });

  test('it returns nothing of another event', async () => {
    expect(await walkForeignIds(world, route)).toEqual([]);
  });
});

test('a scanner sees a ticket but not its QR code', async () => {
  const { platform, sales, tokens } = world;
  const path = `/api/order/ticket/${sales.completed.ticketId}`;
  const seen = async (caller: Caller) =>
    (await platform.app.call('GET', path, { token: tokens.get(caller) ?? '' })).body;
  expect(await seen('owner')).toHaveProperty('qr_code');
  expect(await seen('scanner')).toMatchObject({ ticket_id: sales.completed.ticketId });
  expect(await seen('scanner')).not.toHaveProperty('qr_code');
});

test('while the seating service is unavailable, access that depends on it is refused, and the owner still has theirs', async () => {
  const { platform, sales, tokens } = world;
  const read = (caller: Caller) =>
    platform.app.call('GET', `/api/order/${sales.completed.orderId}`, { token: tokens.get(caller) ?? '' });
  platform.seating.isUnavailable = true;
  try {
    const { status, headers, body } = await read('organiser');
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'seating_unavailable' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await read('owner')).status).toBe(200);
  } finally {
    platform.seating.isUnavailable = false;
  }
});
