import { AppError } from '../../kernel/errors.ts';
import type { OrderId, TicketId } from '../../kernel/ids.ts';
import { ZERO } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { TicketRefund } from '../payments/index.ts';
import type { Ticket } from '../tickets/index.ts';
import type { BoxOfficeOptions } from './box-office.service.ts';
import type { Order } from './order.ts';
import { placeOfTicket } from './orders.store.ts';

interface VoidWish {
  readonly orderId: OrderId;
  readonly ticketId: TicketId;
  readonly isRefunded: boolean;
}

/** Voids a ticket for somebody who may; asked for again, only a refund that was not made yet is made. */
export async function voidTicketOf(wish: VoidWish, who: Principal, options: BoxOfficeOptions): Promise<void> {
  await options.database.transaction(async (tx) => {
    await voidLocked(tx, wish, who, options);
    tx.keepAnswer(undefined);
  });
}

async function voidLocked(
  tx: Transaction,
  { orderId, ticketId, isRefunded }: VoidWish,
  who: Principal,
  options: BoxOfficeOptions,
): Promise<void> {
  const order = await options.transitions.lock(tx, orderId);
  const place = await placeOfTicket(tx, ticketId);
  if (!order || !place) throw new Error(`ticket ${ticketId} is gone`);
  if (order.status === 'pending') {
    const detail =
      'The order of this ticket is not paid yet: it ends by itself, or an administrator cancels it.';
    throw new AppError('ticket_change_refused', detail);
  }
  const live = order.tickets.filter(
    (ticket) => ticket.ticketId === ticketId && ticket.voidedAt === undefined,
  );
  const mayBeRefunded = order.status === 'completed' && (live.length > 0 || place.isVoidedByOrganiser);
  const refund =
    isRefunded && mayBeRefunded ? await options.giveBackTicket(tx, order, ticketId, who.userId) : undefined;
  if (live.length === 0 && refund?.refundId === undefined) return;
  await endOf(tx, order, live, refund, options);
  await options.recordAction(tx, {
    actor: who.userId,
    action: 'ticket.voided',
    about: order,
    ticketId,
    before: { is_void: live.length === 0, seat_label: live[0]?.seatLabel ?? null },
    after: { is_void: true, given_back: options.currency.toMajor(refund?.amount ?? ZERO) },
  });
}

/** The order goes on without the ticket, or ends when that was its last and nothing pays for it any more. */
async function endOf(
  tx: Transaction,
  order: Order,
  live: readonly Ticket[],
  refund: TicketRefund | undefined,
  { transitions }: BoxOfficeOptions,
): Promise<void> {
  const others = order.tickets.filter((ticket) => !live.includes(ticket));
  const isUnpaid = order.price === 0 || refund?.left === 0;
  if (isUnpaid && others.length === 0) {
    await transitions.cancel(tx, order, refund?.refundId === undefined ? 'organiser' : 'refunded');
  } else if (refund?.left === 0 && order.price > 0) {
    const detail =
      'All that is left of the order’s money would go back, and its other tickets with it. Void those first.';
    throw new AppError('ticket_change_refused', detail);
  } else if (live.length > 0) {
    await transitions.withdraw(tx, order, new Set(live.map((ticket) => ticket.ticketId)), 'organiser');
  } else {
    await transitions.announcePartRefund(tx, order);
  }
}
