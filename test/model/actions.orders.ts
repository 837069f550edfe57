import { expect } from 'vitest';
import { type Action, type Foreseen, inWords, refused, SILENT } from './action.ts';
import { DISCOUNTS, type DiscountName } from './outside.ts';
import {
  cancel,
  change,
  conclude,
  HOLD_MS,
  isOver,
  isUsedUp,
  type KeptAnswer,
  type Order,
  type PlaceRequest,
  pick,
  priceOf,
  receivePayment,
  type Sale,
  takenOf,
} from './sale.ts';
import { type Answer, EVENT_ID, type Who, type World } from './world.ts';

const MINOR_IN_MAJOR = 100;
const KEY_LIFE_MS = 86_400_000;

export function place(request: PlaceRequest): Action {
  const { buyer, seats, discount, key } = request;
  const name = `Place ${seats.join('+')} by buyer ${buyer}${discount ? ` with ${discount}` : ''}${key ? ` as ${key}` : ''}`;
  return {
    name,
    isPossible: () => true,
    foresee: (sale) => foreseeKeyed(request, sale) ?? foreseePlaced(request, sale),
    act(world, sale) {
      if (key !== undefined && foreseeKeyed(request, sale) === undefined) {
        sale.keyed.set(key, { ...request, key });
        sale.answers.delete(key);
      }
      return post(request, world);
    },
    learn(answer, sale) {
      learnPlaced(request, answer, sale);
      learnKept(request, answer, sale);
    },
  };
}

function post({ buyer, seats, discount, key }: PlaceRequest, world: World): Promise<Answer> {
  const body = {
    session_id: world.sessionId,
    event_id: EVENT_ID,
    organization_id: EVENT_ID,
    seat_ids: seats,
    ...(discount ? { discount_id: DISCOUNTS[discount].id } : {}),
  };
  return world.call('POST', '/api/order', buyer, body, key);
}

function foreseePlaced({ seats, discount }: PlaceRequest, sale: Sale): Foreseen {
  const taken = takenOf(seats, sale);
  const usedUp = discount !== undefined && isUsedUp(discount, sale);
  if (taken.length === 0 && !usedUp) return { answers: ['201'] };
  return {
    answers: [...(taken.length > 0 ? ['409 seats_taken'] : []), ...(usedUp ? ['400 discount_refused'] : [])],
    check: (answer) => namesTaken(answer, taken),
  };
}

/** A refusal names seats that are taken, and no other seats. */
function namesTaken({ code, body }: Answer, taken: readonly string[]): void {
  if (code !== 'seats_taken') return;
  const named = body.seat_ids as string[];
  expect(named.length).toBeGreaterThan(0);
  expect(taken).toEqual(expect.arrayContaining(named));
}

function learnPlaced({ buyer, seats, discount }: PlaceRequest, { status, body }: Answer, sale: Sale): void {
  const orderId = String(body.order_id);
  if (status !== 201 || sale.orders.has(orderId)) return;
  sale.orders.set(orderId, {
    orderId,
    buyer,
    status: 'pending',
    reason: null,
    seats: seats.toSorted(),
    discount,
    price: priceOf(seats, discount),
    expiresAt: sale.clock.now() + HOLD_MS,
    intentId: null,
  });
}

/** Answers that concern the request’s key and not the request. */
const OF_THE_KEY: readonly string[] = ['idempotency_key_reused', 'request_in_flight'];

function learnKept({ key }: PlaceRequest, answer: Answer, sale: Sale): void {
  if (key === undefined || sale.answers.has(key) || OF_THE_KEY.includes(answer.code)) return;
  sale.answers.set(key, { answer: inWords(answer), text: answer.text, at: sale.clock.now() });
}

/** What the key alone decides; undefined when the request is processed like one without a key. */
function foreseeKeyed({ seats, discount, key }: PlaceRequest, sale: Sale): Foreseen | undefined {
  const owner = key === undefined ? undefined : sale.keyed.get(key);
  if (!owner) return undefined;
  const known = sale.answers.get(owner.key) ?? storedAnswer(owner.key, sale);
  if (known === undefined || sale.clock.now() - known.at >= KEY_LIFE_MS) return undefined;
  const isSame = owner.discount === discount && owner.seats.join() === seats.join();
  if (!isSame) return refused('422 idempotency_key_reused');
  if (!('answer' in known)) return known.until > sale.clock.now() ? refused('409 request_in_flight') : undefined;
  return { answers: [known.answer], check: ({ text }) => expect(text).toBe(known.text) };
}

/**
 * The process died before it answered: only the stored row shows whether it had an answer, or until when it
 * holds the key.
 */
function storedAnswer(
  key: string,
  sale: Sale,
): KeptAnswer | { readonly at: number; readonly until: number } | undefined {
  const kept = sale.seen.keys.find((each) => each.key === key);
  if (!kept) return undefined;
  if (kept.status === null) return { at: kept.createdAt, until: kept.claimedUntil };
  const { code = '' } = JSON.parse(kept.body ?? '{}') as { code?: string };
  return { answer: inWords({ status: kept.status, code }), text: kept.body ?? '', at: kept.createdAt };
}

/** An order that was requested with a key is requested again, with the same body. */
export function repeatPlace(at: number): Action {
  const again = (sale: Sale) => {
    const request = pick(sale.keyed.values(), at);
    if (!request) throw new Error('no request has a key');
    return place(request);
  };
  return {
    name: `RepeatPlace ${at}`,
    isPossible: (sale) => sale.keyed.size > 0,
    foresee: (sale) => again(sale).foresee(sale),
    act: (world, sale) => again(sale).act(world, sale),
    learn: (answer, sale, world) => again(sale).learn?.(answer, sale, world),
  };
}

/** One pick in this many takes any order; the others prefer an order on which the action can act. */
const PICKS_WITH_ONE_OF_ANY = 5;

function orderAt(sale: Sale, at: number, suits: OrderAction['suits']): Order {
  const all = [...sale.orders.values()];
  const suitable = at % PICKS_WITH_ONE_OF_ANY === 0 ? [] : all.filter((order) => suits(order, sale));
  const order = pick(suitable.length > 0 ? suitable : all, at);
  if (!order) throw new Error('there is no order');
  return order;
}

/** The orders that an action may pick from. */
export interface OrderAction {
  readonly name: string;
  /** Whether the action is likely to act on an order. */
  suits(order: Order, sale: Sale): boolean;
  foresee(order: Order, sale: Sale): Foreseen;
  act(order: Order, world: World, sale: Sale): Promise<Answer | undefined>;
  learn?(answer: Answer, sale: Sale): void;
}

/** An action on one of the existing orders, chosen when it is predicted or performed, whichever comes first. */
export function onOrder(at: number, action: OrderAction): Action {
  return {
    name: `${action.name} of order ${at}`,
    isPossible: (sale) => sale.orders.size > 0,
    foresee(sale) {
      const order = orderAt(sale, at, action.suits);
      const act = (world: World) => action.act(order, world, sale);
      return { ...action.foresee(order, sale), act };
    },
    act: (world, sale) => action.act(orderAt(sale, at, action.suits), world, sale),
    learn: (answer, sale) => action.learn?.(answer, sale),
  };
}

export const isPayable: OrderAction['suits'] = (order, sale) => order.status === 'pending' && !isOver(order, sale);
export const isCompleted: OrderAction['suits'] = ({ status }) => status === 'completed';

/** Why its buyer can no longer act on an order; undefined when they can. */
export function whyEnded(order: Order, sale: Sale): Foreseen | undefined {
  if (order.status !== 'pending') return refused('409 order_not_pending');
  return isOver(order, sale) ? refused('409 hold_ended') : undefined;
}

export interface UpdateRequest {
  readonly seats: readonly string[] | undefined;
  /** `none` removes the discount. */
  readonly discount: DiscountName | 'none' | undefined;
}

export function update(at: number, request: UpdateRequest): Action {
  const words = [request.seats?.join('+') ?? 'same seats', request.discount ?? 'same discount'].join(', ');
  return onOrder(at, {
    name: `Update (${words})`,
    suits: isPayable,
    foresee: (order, sale) => whyEnded(order, sale) ?? foreseeUpdate(order, request, sale),
    act: (order, world) =>
      world.call('PUT', `/api/order/${order.orderId}`, order.buyer, {
        ...(request.seats ? { seat_ids: request.seats } : {}),
        ...(request.discount
          ? { discount_id: request.discount === 'none' ? null : DISCOUNTS[request.discount].id }
          : {}),
      }),
  });
}

function foreseeUpdate(order: Order, request: UpdateRequest, sale: Sale): Foreseen {
  const { orderId } = order;
  const seats = (request.seats ?? order.seats).toSorted();
  const discount =
    request.discount === undefined ? order.discount : request.discount === 'none' ? undefined : request.discount;
  const price = priceOf(seats, discount);
  const taken = takenOf(seats, sale, orderId);
  const usedUp = discount !== undefined && discount !== order.discount && isUsedUp(discount, sale);
  if (taken.length > 0) {
    // Whether the old payment was checked before depends on where the seat was found taken.
    sale.open.add(orderId);
    const answers = ['409 seats_taken', ...(usedUp ? ['400 discount_refused'] : []), '409 order_already_paid'];
    return { answers, check: (answer) => namesTaken(answer, taken) };
  }
  if (price !== order.price && conclude(sale, orderId) === 'paid') return refused('409 order_already_paid');
  if (usedUp) return refused('400 discount_refused');
  change(sale, orderId, { seats, discount, price });
  return { answers: ['200'], check: ({ body }) => expect(body.Price).toBe(price / MINOR_IN_MAJOR) };
}

export function cancelBy(at: number, who: 'buyer' | 'admin'): Action {
  return onOrder(at, {
    name: `Cancel by ${who}`,
    suits: who === 'admin' ? isCompleted : isPayable,
    foresee(order, sale) {
      const { orderId } = order;
      const isPaid = order.status === 'pending' && conclude(sale, orderId) === 'paid';
      if (isPaid && who === 'buyer') return refused('409 order_already_paid');
      const isAllowed = who === 'admin' ? order.status !== 'cancelled' : order.status === 'pending';
      if (!isAllowed) return refused('409 order_not_pending');
      cancel(sale, orderId, who);
      return { answers: ['204'] };
    },
    act(order, world) {
      const by: Who = who === 'admin' ? 'admin' : order.buyer;
      return world.call('DELETE', `/api/order/${order.orderId}`, by);
    },
  });
}

/** A scanner at the door, with the ticket of one of the order’s seats. */
export function checkIn(at: number, seatAt: number): Action {
  const ticketOf = (order: Order, sale: Sale) => {
    const stored = sale.seen.orders.find(({ orderId }) => orderId === order.orderId);
    return pick(stored?.tickets ?? [], seatAt);
  };
  return onOrder(at, {
    name: `CheckIn ${seatAt}`,
    suits: isCompleted,
    foresee(order, sale) {
      const ticket = ticketOf(order, sale);
      if (!ticket) return SILENT;
      if (ticket.isVoid || order.status === 'cancelled') return refused('409 ticket_cancelled');
      if (order.status === 'pending') return refused('409 ticket_not_paid');
      return refused(ticket.isCheckedIn ? '409 already_checked_in' : '200');
    },
    async act(order, world, sale) {
      const ticket = ticketOf(order, sale);
      if (!ticket) return undefined;
      const text = await world.sealed(ticket.ticketId);
      return world.call('POST', '/api/order/ticket/checkin', 'scanner', { encrypted_qr: text });
    },
    learn({ status, body }, sale) {
      if (status !== 200) return;
      const { ticket_id: ticketId } = body.ticket as { ticket_id: string };
      expect(sale.admitted, 'tickets that were admitted before').not.toContain(ticketId);
      sale.admitted.add(ticketId);
    },
  });
}

/** Checks out a free order, or one whose payment is at the bank. */
export function checkOut(at: number): Action {
  return onOrder(at, {
    name: 'Checkout',
    suits: isPayable,
    foresee(order, sale) {
      if (order.status === 'completed') return { answers: ['200'] };
      return order.price === 0 ? checkOutFree(order, sale) : checkOutPaid(order, sale);
    },
    act: (order, world) => world.call('POST', `/api/order/${order.orderId}/checkout`, order.buyer),
  });
}

function checkOutFree(order: Order, sale: Sale): Foreseen {
  const ended = whyEnded(order, sale);
  if (ended) return ended;
  change(sale, order.orderId, { status: 'completed' });
  return { answers: ['200'] };
}

function checkOutPaid(order: Order, sale: Sale): Foreseen {
  const intent = order.intentId ? sale.bank.intent(order.intentId) : undefined;
  if (intent?.status === 'succeeded') {
    receivePayment(sale, order.orderId, intent.id, intent.amount);
    const isCompleted = sale.orders.get(order.orderId)?.status === 'completed';
    return refused(isCompleted ? '200' : '409 payment_mismatch');
  }
  return refused(order.status === 'pending' ? '402 payment_missing' : '409 order_not_pending');
}
