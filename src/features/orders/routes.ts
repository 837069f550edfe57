import { type Static, Type } from 'typebox';
import {
  as,
  type DiscountId,
  type EventId,
  type OrderId,
  type OrganizationId,
  type SeatId,
  type SessionId,
  type UserId,
} from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { SeatRequest } from '../seats/index.ts';
import type { OrderService } from './cancel-order.ts';
import type { OrderChanging } from './change-order.ts';
import { toWireOrder, type WireOrder } from './json.ts';
import type { Order, OrderWish } from './order.ts';
import type { OrderPlacing } from './place-order.ts';
import {
  OrderParamsSchema,
  OrderResponseSchema,
  OrderSchema,
  OrdersSchema,
  orderRequestSchema,
  orderUpdateSchema,
} from './schemas.ts';

export interface OrderRoutesOptions {
  readonly placing: OrderPlacing;
  readonly changing: OrderChanging;
  readonly orders: OrderService;
  readonly once: Once;
  /** Puts the QR codes into an order's tickets, where it has any. */
  readonly withQrCodes: (order: Order) => Promise<WireOrder>;
  readonly currency: Currency;
  readonly maxSeatsPerOrder: number;
}

type OrderRequestBody = Static<ReturnType<typeof orderRequestSchema>>;

const TAGS = ['Orders'];
const OK = 200;
const CREATED = 201;
const NO_CONTENT = 204;

/** Orders over HTTP (contract section 1). */
export function orderRoutes(scope: HttpServer, options: OrderRoutesOptions): void {
  const { placing, orders, once, withQrCodes, currency } = options;
  const OrderRequest = orderRequestSchema(options.maxSeatsPerOrder);
  const orderFields = new Set(Object.keys(OrderRequest.properties));

  scope.post(
    '/api/order',
    {
      config: { queued: true },
      // It may wait with many others: what nobody asked for does not wait in memory with it.
      preHandler: async (request) => {
        request.body = only(orderFields, request.body);
      },
      schema: {
        tags: TAGS,
        summary: 'Place an order: all the seats or none',
        body: OrderRequest,
        headers: onceHeaders,
        response: { 201: OrderResponseSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      return once.answer(request, reply, { status: CREATED, body: toOrderResponse }, () =>
        placing.place(toSeatRequest(request.body), userId),
      );
    },
  );

  changeRoutes(scope, options);

  scope.get(
    '/api/order/user/orders',
    {
      schema: {
        tags: TAGS,
        summary: 'The caller’s orders with QR codes, newest first',
        response: { 200: OrdersSchema, ...problems },
      },
    },
    async (request) => {
      const who = principalOf(request);
      return Promise.all((await orders.listOf(who.userId, who)).map(withQrCodes));
    },
  );

  scope.get(
    '/api/order/user/:userId',
    {
      schema: {
        tags: TAGS,
        summary: 'A user’s orders with QR codes, newest first; for himself and administrators',
        params: Type.Object({ userId: Uuid('The user') }),
        response: { 200: OrdersSchema, ...problems },
      },
    },
    async (request) => {
      const userId = as<UserId>(request.params.userId.toLowerCase());
      return Promise.all((await orders.listOf(userId, principalOf(request))).map(withQrCodes));
    },
  );

  scope.get(
    '/api/order/:orderId',
    {
      schema: {
        tags: TAGS,
        summary: 'An order; for its buyer, the organiser of its event and administrators',
        params: OrderParamsSchema,
        response: { 200: OrderSchema, ...problems },
      },
    },
    async (request) => {
      const order = await orders.read(toOrderId(request.params), principalOf(request));
      return toWireOrder(order, currency);
    },
  );
}

/** What changes an order that is there. */
function changeRoutes(scope: HttpServer, options: OrderRoutesOptions): void {
  const { changing, orders, once, currency } = options;

  scope.put(
    '/api/order/:orderId',
    {
      schema: {
        tags: TAGS,
        summary: 'Other seats, another discount, or both, while the order is pending',
        params: OrderParamsSchema,
        body: orderUpdateSchema(options.maxSeatsPerOrder),
        headers: onceHeaders,
        response: { 200: OrderSchema, ...problems },
      },
    },
    async (request, reply) => {
      const body = (order: Order) => toWireOrder(order, currency);
      return once.answer(request, reply, { status: OK, body }, () =>
        changing.change(toOrderId(request.params), toWish(request.body), principalOf(request)),
      );
    },
  );

  scope.delete(
    '/api/order/:orderId',
    {
      schema: {
        tags: TAGS,
        summary:
          'Cancel a pending order; administrators cancel a completed one, too, which gives the money back',
        params: OrderParamsSchema,
        headers: onceHeaders,
        response: { 204: Type.Null({ description: 'Cancelled; the seats are free' }), ...problems },
      },
    },
    async (request, reply) => {
      const none = { status: NO_CONTENT, body: () => null };
      return once.answer(request, reply, none, () =>
        orders.cancel(toOrderId(request.params), principalOf(request)),
      );
    },
  );
}

/** Ids compare in lower case everywhere behind the routes. */
export function toOrderId({ orderId }: Static<typeof OrderParamsSchema>): OrderId {
  return as<OrderId>(orderId.toLowerCase());
}

function toOrderResponse(order: Order): Static<typeof OrderResponseSchema> {
  return {
    order_id: order.orderId,
    session_id: order.sessionId,
    organization_id: order.organizationId,
    seat_ids: order.tickets.map((ticket) => ticket.seatId),
    user_id: order.userId,
  };
}

function toWish(body: Static<ReturnType<typeof orderUpdateSchema>>): OrderWish {
  const { seat_ids: seatIds, discount_id: discountId } = body;
  return {
    seatIds: seatIds?.map((seatId) => as<SeatId>(seatId)),
    discount:
      discountId === undefined
        ? undefined
        : { id: discountId ? as<DiscountId>(discountId.toLowerCase()) : undefined },
  };
}

function toSeatRequest(body: OrderRequestBody): SeatRequest {
  return {
    sessionId: as<SessionId>(body.session_id.toLowerCase()),
    eventId: as<EventId>(body.event_id.toLowerCase()),
    organizationId: as<OrganizationId>(body.organization_id.toLowerCase()),
    seatIds: body.seat_ids.map((seatId) => as<SeatId>(seatId)),
    discountId: body.discount_id ? as<DiscountId>(body.discount_id.toLowerCase()) : undefined,
  };
}

/** In the order in which they came, because what is kept with an `Idempotency-Key` is compared as text. */
function only(names: ReadonlySet<string>, body: OrderRequestBody): OrderRequestBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => names.has(name))) as OrderRequestBody;
}
