import { Currency } from '../../src/kernel/money.ts';
import { type Arena, openArena } from '../support/arena.ts';
import { findingsIn } from '../support/test-app.ts';
import { type TakenOut, withoutGuards } from './without-guard.ts';

type Env = Readonly<Record<string, string>>;

/** The service as it is. */
export const guarded = (env: Env = {}) => openArena({ env });

/** The service without some guards of its statements and, in SQL, of its schema. */
export async function unguarded(guards: readonly TakenOut[], schema?: string, env: Env = {}): Promise<Arena> {
  const arena = await openArena({ watch: withoutGuards(...guards), verified: false, env });
  if (schema !== undefined) await arena.rows(schema);
  return arena;
}

/** The findings of `npm run verify` on its database, in words. */
export async function findings({ platform }: Arena): Promise<string[]> {
  const found = await findingsIn(platform.app.dsn, new Currency('lkr'));
  return found.map(({ invariant, finding }) => `${invariant} ${finding}`);
}

/** A completed and paid order of 100. */
export async function completedOrder({ platform, buyer, ...arena }: Arena): Promise<string> {
  const orderId = await platform.place(buyer);
  await arena.confirm(await arena.offer(orderId));
  await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
  return orderId;
}
