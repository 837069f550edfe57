import { AppError } from '../../kernel/errors.ts';
import type { OrderId, TicketId } from '../../kernel/ids.ts';
import { ZERO } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import type { Payments, TicketRefund } from '../payments/index.ts';
import type { Ticket } from '../tickets/index.ts';
import { findOrderOfTicket } from './order-of-ticket.ts';

export interface VoidTicketNeeds {
  readonly access: Access;
  readonly orders: OrderBook;
  readonly payments: Pick<Payments, 'refundTicket'>;
  readonly audit: { readonly record: RecordAction };
}

interface VoidRequest {
  readonly orderId: OrderId;
  readonly ticketId: TicketId;
  readonly isRefunded: boolean;
}

/** Voids tickets of completed orders. */
export class VoidTicket {
  readonly #database: Core['database'];
  readonly #needs: VoidTicketNeeds;

  constructor({ database }: Pick<Core, 'database'>, needs: VoidTicketNeeds) {
    this.#database = database;
    this.#needs = needs;
  }

  /**
   * Voids the ticket, and refunds it when `isRefunded`. A ticket that an organiser voided before can still be refunded, once.
   * Throws `ticket_not_found`, `forbidden`, `ticket_change_refused`, `refund_not_possible`.
   */
  async void(ticketId: TicketId, isRefunded: boolean, who: Principal): Promise<void> {
    const { access, orders } = this.#needs;
    const { orderId, userId, eventId, sessionId } = await findOrderOfTicket(this.#database, orders, ticketId);
    await access.require('ticket.void', who, { owner: userId, event: eventId, scannedAt: sessionId });
    await this.#database.transaction(async (tx) => {
      await this.#voidLocked(tx, { orderId, ticketId, isRefunded }, who);
      tx.keepAnswer(undefined);
    });
  }

  async #voidLocked(tx: Transaction, { orderId, ticketId, isRefunded }: VoidRequest, who: Principal): Promise<void> {
    const { orders, payments, audit } = this.#needs;
    const order = await orders.getLocked(tx, orderId);
    const place = await orders.placeOfTicket(tx, ticketId);
    if (order.status === 'pending') {
      const detail =
        'The order of this ticket is not paid yet. Wait until its hold ends, or have an administrator cancel it.';
      throw new AppError('ticket_change_refused', detail);
    }
    const live = order.tickets.filter((ticket) => ticket.ticketId === ticketId && ticket.voidedAt === undefined);
    const mayBeRefunded = order.status === 'completed' && (live.length > 0 || place?.isVoidedByOrganiser === true);
    const refund =
      isRefunded && mayBeRefunded ? await payments.refundTicket(tx, order, ticketId, who.userId) : undefined;
    if (live.length === 0 && refund?.refundId === undefined) return;
    await this.#withdraw(tx, order, live, refund);
    await audit.record(tx, {
      actor: who.userId,
      action: 'ticket.voided',
      about: order,
      ticketId,
      before: { is_void: live.length === 0, seat_label: live[0]?.seatLabel ?? null },
      after: { is_void: true, given_back: tx.currency.toMajor(refund?.amount ?? ZERO) },
    });
  }

  /** Removes the ticket from its order. Cancels the order when it was the last one and nothing pays for the order. */
  async #withdraw(
    tx: Transaction,
    order: Order,
    live: readonly Ticket[],
    refund: TicketRefund | undefined,
  ): Promise<void> {
    const { orders } = this.#needs;
    const others = order.tickets.filter((ticket) => !live.includes(ticket));
    const isUnpaid = order.price === 0 || refund?.left === 0;
    if (isUnpaid && others.length === 0) {
      await orders.cancel(tx, order, refund?.refundId === undefined ? 'organiser' : 'refunded');
    } else if (refund?.left === 0 && order.price > 0) {
      const detail =
        'All that is left of the order’s money would go back, and its other tickets with it. Void those first.';
      throw new AppError('ticket_change_refused', detail);
    } else if (live.length > 0) {
      await orders.withdraw(tx, order, new Set(live.map((ticket) => ticket.ticketId)), 'organiser');
    } else {
      await orders.announcePartRefund(tx, order);
    }
  }
}
