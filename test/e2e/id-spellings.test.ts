import { beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../support/access-walk/routes.ts';
import { walkSpellings } from '../support/access-walk/spellings.ts';
import { openWorld, type World } from '../support/access-walk/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

test.each(Object.keys(ROUTES))('urn-uuid: %s takes each id in one spelling', async (route) => {
  expect(await walkSpellings(world, route)).toEqual([]);
});
