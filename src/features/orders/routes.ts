import { type Static, Type } from 'typebox';
import { CREATED, NO_CONTENT, OK } from '../../kernel/http-status.ts';
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
import type { Principal } from '../../kernel/principal.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { SeatRequest } from '../seats/index.ts';
import type { CancelOrder } from './cancel-order.ts';
import type { ChangeOrder } from './change-order.ts';
import type { OrderJson, TicketsForReader, WireOrder } from './json.ts';
import type { ChangeRequest, Order } from './order.ts';
import type { PlaceOrder } from './place-order.ts';
import type { ReadOrders } from './read-orders.ts';
import {
  OrderParamsSchema,
  OrderResponseSchema,
  OrderSchema,
  OrdersSchema,
  orderRequestSchema,
  orderUpdateSchema,
} from './schemas.ts';

export interface OrderRoutes {
  readonly place: PlaceOrder;
  readonly change: ChangeOrder;
  readonly cancel: CancelOrder;
  readonly read: ReadOrders;
  readonly once: Once;
  readonly tickets: TicketsForReader;
  readonly json: OrderJson;
  readonly maxSeatsPerOrder: number;
}

type OrderRequestBody = Static<ReturnType<typeof orderRequestSchema>>;

const TAGS = ['Orders'];

/** Orders over HTTP (contract section 1). */
export function orderRoutes(
  api: HttpServer,
  { place, change, cancel, read, once, tickets, json, maxSeatsPerOrder }: OrderRoutes,
): void {
  placeRoute(api, once, place, maxSeatsPerOrder);
  changeRoute(api, once, json, change, maxSeatsPerOrder);
  cancelRoute(api, once, cancel);
  listRoutes(api, json, read, tickets);
  readRoute(api, json, read);
}

function placeRoute(api: HttpServer, once: Once, place: PlaceOrder, maxSeatsPerOrder: number): void {
  const OrderRequest = orderRequestSchema(maxSeatsPerOrder);
  const orderFields = new Set(Object.keys(OrderRequest.properties));
  api.post(
    '/api/order',
    {
      config: {
        permission: 'order.place',
        queued: true,
        refuses: [
          'overloaded',
          'forbidden',
          'seating_unavailable',
          'seats_taken',
          'too_many_seats_held',
          'seats_refused',
          'session_mismatch',
          'discount_refused',
          'price_not_chargeable',
        ],
      },
      // A queued request keeps only the known fields of its body in memory.
      preHandler: async (request) => {
        request.body = pick(orderFields, request.body);
      },
      schema: {
        tags: TAGS,
        summary: 'Place an order for all the seats or none',
        body: OrderRequest,
        headers: onceHeaders,
        response: { 201: OrderResponseSchema, ...problems },
      },
    },
    async (request, reply) => {
      const who = principalOf(request);
      return once.answer(request, reply, { status: CREATED, body: toOrderResponse }, () =>
        place.place(toSeatRequest(request.body), who),
      );
    },
  );
}

function changeRoute(
  api: HttpServer,
  once: Once,
  json: OrderJson,
  change: ChangeOrder,
  maxSeatsPerOrder: number,
): void {
  api.put(
    '/api/order/:orderId',
    {
      config: {
        permission: 'order.change',
        refuses: [
          'overloaded',
          'order_not_found',
          'seating_unavailable',
          'seats_taken',
          'too_many_seats_held',
          'seats_refused',
          'session_mismatch',
          'discount_refused',
          'price_not_chargeable',
          'order_not_pending',
          'order_changed',
          'order_already_paid',
          'hold_ended',
          'payment_refused',
          'payments_unavailable',
        ],
      },
      schema: {
        tags: TAGS,
        summary: 'Change the seats or the discount of a pending order',
        params: OrderParamsSchema,
        body: orderUpdateSchema(maxSeatsPerOrder),
        headers: onceHeaders,
        response: { 200: OrderSchema, ...problems },
      },
    },
    async (request, reply) => {
      const body = (order: Order) => json.toWire(order);
      return once.answer(request, reply, { status: OK, body }, () =>
        change.change(toOrderId(request.params), toChangeRequest(request.body), principalOf(request)),
      );
    },
  );
}

function cancelRoute(api: HttpServer, once: Once, cancel: CancelOrder): void {
  api.delete(
    '/api/order/:orderId',
    {
      config: {
        permission: 'order.cancel',
        refuses: [
          'order_not_found',
          'seating_unavailable',
          'order_not_pending',
          'order_changed',
          'order_already_paid',
          'hold_ended',
          'payment_refused',
          'payments_unavailable',
          'refund_not_possible',
        ],
      },
      schema: {
        tags: TAGS,
        summary: 'Cancel a pending order; an administrator can also cancel a completed order, which refunds it',
        params: OrderParamsSchema,
        headers: onceHeaders,
        response: { 204: Type.Null({ description: 'The order is cancelled and its seats are free' }), ...problems },
      },
    },
    async (request, reply) => {
      const none = { status: NO_CONTENT, body: () => null };
      return once.answer(request, reply, none, () => cancel.cancel(toOrderId(request.params), principalOf(request)));
    },
  );
}

function listRoutes(api: HttpServer, json: OrderJson, read: ReadOrders, tickets: TicketsForReader): void {
  const withTickets = async (order: Order): Promise<WireOrder> => ({
    ...json.toWire(order),
    tickets: await tickets.toJson(order),
  });
  const listOf = async (userId: UserId, who: Principal) =>
    Promise.all((await read.listOf(userId, who)).map(withTickets));

  api.get(
    '/api/order/user/orders',
    {
      config: { permission: 'order.list' },
      schema: {
        tags: TAGS,
        summary: 'List the caller’s orders with QR codes, newest first',
        response: { 200: OrdersSchema, ...problems },
      },
    },
    async (request) => {
      const who = principalOf(request);
      return listOf(who.userId, who);
    },
  );

  api.get(
    '/api/order/user/:userId',
    {
      config: { permission: 'order.list' },
      schema: {
        tags: TAGS,
        summary: 'List a user’s orders with QR codes, newest first; for the user and administrators',
        params: Type.Object({ userId: Uuid('The user') }),
        response: { 200: OrdersSchema, ...problems },
      },
    },
    async (request) => listOf(as<UserId>(request.params.userId.toLowerCase()), principalOf(request)),
  );
}

function readRoute(api: HttpServer, json: OrderJson, read: ReadOrders): void {
  api.get(
    '/api/order/:orderId',
    {
      config: { permission: 'order.read', refuses: ['order_not_found'] },
      schema: {
        tags: TAGS,
        summary: 'Read an order; for its buyer, the organiser of its event and administrators',
        params: OrderParamsSchema,
        response: { 200: OrderSchema, ...problems },
      },
    },
    async (request) => json.toWire(await read.read(toOrderId(request.params), principalOf(request))),
  );
}

/** Behind the routes every id is in lower case. */
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

function toChangeRequest(body: Static<ReturnType<typeof orderUpdateSchema>>): ChangeRequest {
  const { seat_ids: seatIds, discount_id: discountId } = body;
  return {
    seatIds: seatIds?.map((seatId) => as<SeatId>(seatId)),
    discount:
      discountId === undefined ? undefined : { id: discountId ? as<DiscountId>(discountId.toLowerCase()) : undefined },
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

/** The named fields, in their order in the body: the body of a request with an `Idempotency-Key` is compared as text. */
function pick(names: ReadonlySet<string>, body: OrderRequestBody): OrderRequestBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => names.has(name))) as OrderRequestBody;
}
