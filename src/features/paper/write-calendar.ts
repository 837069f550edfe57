import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Catalogue } from '../catalogue/index.ts';
import { toCalendar } from './calendar.ts';
import type { ReadGoodOrder } from './read-good-order.ts';

/** Writes the session of an order as a calendar file. */
export class WriteCalendar {
  readonly #readGoodOrder: ReadGoodOrder;
  readonly #catalogue: Catalogue;
  readonly #clock: Clock;

  constructor(readGoodOrder: ReadGoodOrder, catalogue: Catalogue, clock: Clock) {
    this.#readGoodOrder = readGoodOrder;
    this.#catalogue = catalogue;
    this.#clock = clock;
  }

  /** Throws the errors of `ReadGoodOrder`, and `not_found` if the catalogue has no such session. */
  async ofOrder(orderId: OrderId, who: Principal): Promise<string> {
    const order = await this.#readGoodOrder(orderId, who);
    const session = await this.#catalogue.session(order.sessionId);
    if (!session) throw new AppError('not_found', 'The catalogue no longer has this session.');
    return toCalendar(order, session, this.#clock.now());
  }
}
