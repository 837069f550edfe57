import { beforeAll, describe, expect, test } from 'vitest';
import { watchEffects } from '../support/effects.ts';
import { type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

const REQUESTS = 40;

let platform: PlatformApp;
let buyer: Person;
let statements: string[] = [];

beforeAll(async () => {
  const watch = watchEffects({ before: (effect) => void statements.push(effect), after: () => undefined });
  platform = await startPlatformApp({}, { background: false }, { watch });
  ({ buyer } = await people(platform));
});

/** The statements that many requests of a route cause which come at once and without a token. */
async function statementsOf(path: string): Promise<string[]> {
  statements = [];
  await Promise.all(Array.from({ length: REQUESTS }, () => platform.app.call('GET', path)));
  return statements.filter((effect) => effect.startsWith('database '));
}

describe('count-for-anybody: what a stranger may ask for', () => {
  test('the number of tickets is counted once for all who ask at the same time, and kept', async () => {
    await buyer.place();
    expect(await statementsOf('/api/order/tickets/count')).toEqual(['database tickets-count']);
    await buyer.place();
    expect(await statementsOf('/api/order/tickets/count')).toEqual([]);
    const { status, body } = await platform.app.call('GET', '/api/order/tickets/count');
    expect({ status, body }).toEqual({ status: 200, body: { total_count: 1 } });
  });

  test('no public route makes a statement for each request', async () => {
    const { body: document } = await platform.app.call('GET', '/openapi.json');
    const routes = Object.entries<Record<string, { security?: unknown }>>(document.paths);
    const open = routes.filter(([, methods]) => methods.get && methods.get.security === undefined);
    expect(open.length).toBeGreaterThan(2);
    for (const [path] of open) {
      const counts = [...Map.groupBy(await statementsOf(path), (name) => name).values()].map(({ length }) => length);
      expect(Math.max(0, ...counts), path).toBeLessThan(REQUESTS / 4);
    }
  });
});
