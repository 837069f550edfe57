import { createHash } from 'node:crypto';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Catalogue } from '../catalogue/index.ts';
import { contentOf, toCalendar } from './calendar.ts';
import type { ReadGoodOrder } from './read-good-order.ts';
import { revisionOf } from './revisions.store.ts';

/**
 * Writes the session of an order as a calendar file. Throws the errors of `ReadGoodOrder`, and `not_found` if the catalogue
 * has no such session.
 */
export type WriteCalendar = (orderId: OrderId, who: Principal) => Promise<string>;

export function createWriteCalendar(
  { database, clock }: Pick<Core, 'database' | 'clock'>,
  readOrder: ReadGoodOrder,
  catalogue: Catalogue,
): WriteCalendar {
  return async (orderId, who) => {
    const order = await readOrder(orderId, who);
    const session = await catalogue.session(order.sessionId);
    if (!session) throw new AppError('not_found', 'The catalogue no longer has this session.');
    const contentHash = createHash('sha256').update(contentOf(session)).digest();
    return toCalendar(order, session, await revisionOf(database, order.sessionId, contentHash), clock.now());
  };
}
