import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Catalogue } from '../catalogue/index.ts';
import { toCalendar } from './calendar.ts';
import type { ReadGoodOrder } from './read-good-order.ts';

/**
 * Writes the session of an order as a calendar file. Throws the errors of `ReadGoodOrder`, and `not_found` if the catalogue
 * has no such session.
 */
export type WriteCalendar = (orderId: OrderId, who: Principal) => Promise<string>;

export function createWriteCalendar(readOrder: ReadGoodOrder, catalogue: Catalogue, clock: Clock): WriteCalendar {
  return async (orderId, who) => {
    const order = await readOrder(orderId, who);
    const session = await catalogue.session(order.sessionId);
    if (!session) throw new AppError('not_found', 'The catalogue no longer has this session.');
    return toCalendar(order, session, clock.now());
  };
}
