import { beforeAll, expect, test, vi } from 'vitest';
import { HIDDEN, PERMISSIONS, type Permission } from '../../src/features/access/permissions.ts';
import { ROUTES } from '../support/access-walk/routes.ts';
import { walkRefusals } from '../support/access-walk/walk.ts';
import { type Caller, openWorld, type World } from '../support/access-walk/world.ts';

type Role = (typeof PERMISSIONS)[Permission]['roles'][number];

const table = vi.hoisted(() => ({
  /** The permission that is currently granted to everyone. */
  opened: undefined as string | undefined,
  /** The permissions that were looked up. */
  asked: new Set<string>(),
}));

vi.mock('../../src/features/access/permissions.ts', async (original) => {
  const access = await original<typeof import('../../src/features/access/permissions.ts')>();
  const roles: readonly Role[] = ['admin', 'owner', 'organiser', 'scanner', 'user'];
  return {
    ...access,
    PERMISSIONS: new Proxy(access.PERMISSIONS, {
      get(permissions, name: string) {
        const rule: object | undefined = Reflect.get(permissions, name);
        if (rule) table.asked.add(name);
        // The guard is taken out here.
        return rule && name === table.opened ? { ...rule, roles } : rule;
      },
    }),
  };
});

/** A caller whom every restricted route refuses, and one who may look at a ticket but not own it. */
const CALLERS: readonly Caller[] = ['stranger', 'scanner'];

/** The permissions that decide, after a refusal, whether the caller may know what exists. */
const KNOWS: ReadonlySet<string> = new Set(Object.values(HIDDEN).map(({ knows }) => knows));

/** The permissions that a signed-in user may lack. */
const CLOSED = (Object.keys(PERMISSIONS) as Permission[]).filter((permission) => {
  const { roles }: { readonly roles: readonly Role[] } = PERMISSIONS[permission];
  return !roles.includes('user');
});

let world: World;
/** The permissions that each route asks for when it refuses. */
const permissionsOf = new Map<string, ReadonlySet<string>>();

beforeAll(async () => {
  world = await openWorld();
  for (const route of Object.keys(ROUTES)) {
    table.asked.clear();
    await walkRefusals(world, route, CALLERS);
    permissionsOf.set(route, new Set(table.asked));
  }
});

test.each(CLOSED)('with %s granted to everyone, a route lets an unauthorised caller pass', async (permission) => {
  const routes = [...permissionsOf].flatMap(([route, asked]) => (asked.has(permission) ? [route] : []));
  expect(routes, 'routes that ask for it').not.toEqual([]);
  // What should be refused now succeeds, and uses the orders up.
  const fresh = await world.renewed();
  const findings = new Map<string, string[]>();
  table.opened = permission;
  try {
    for (const route of routes) findings.set(route, await walkRefusals(fresh, route, CALLERS));
  } finally {
    table.opened = undefined;
  }
  expect([...findings.values()].flat()).not.toEqual([]);
  const askingForNothingElse = routes.filter((route) => {
    const [first, ...others] = permissionsOf.get(route) ?? [];
    return first === permission && others.every((other) => KNOWS.has(other));
  });
  expect(askingForNothingElse.filter((route) => findings.get(route)?.length === 0)).toEqual([]);
});

test('every route that refuses a signed-in caller asks for a permission', () => {
  const refusing = Object.keys(ROUTES).filter((route) =>
    CALLERS.some((caller) => !ROUTES[route]?.passes.includes(caller)),
  );
  expect(refusing.filter((route) => permissionsOf.get(route)?.size === 0)).toEqual([]);
});
