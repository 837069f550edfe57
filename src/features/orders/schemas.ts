import { Type } from 'typebox';
import { PLAIN_TEXT, Uuid } from '../../platform/http/schemas.ts';
import { TicketSchema } from '../tickets/index.ts';

const MAX_SEAT_ID_CHARS = 64;

export const SeatIdSchema = Type.String({
  minLength: 1,
  maxLength: MAX_SEAT_ID_CHARS,
  ...PLAIN_TEXT,
  description: 'Id of a seat; an opaque text, usually a UUID',
});

const seatIds = (maxItems: number, description: string) =>
  Type.Array(SeatIdSchema, { minItems: 1, maxItems, uniqueItems: true, description });

const discountId = (description: string) =>
  Type.Optional(Type.Union([Uuid('A discount'), Type.Literal(''), Type.Null()], { description }));

/** `maxSeats` is configuration, so the API description depends on it. */
export const orderRequestSchema = (maxSeats: number) =>
  Type.Object(
    {
      session_id: Uuid('The session', '293bed3f-c670-42f6-9e28-628cd6fec57a'),
      event_id: Uuid('Its event', '3471e132-69f2-4764-ac79-e5ad57111483'),
      organization_id: Uuid('The organisation of the event', '22a67f04-b918-44ac-9b63-49efe8d34356'),
      seat_ids: seatIds(maxSeats, 'Seats to hold: all of them or none'),
      discount_id: discountId('Absent, null or empty: none'),
    },
    {
      examples: [
        {
          session_id: '293bed3f-c670-42f6-9e28-628cd6fec57a',
          event_id: '3471e132-69f2-4764-ac79-e5ad57111483',
          organization_id: '22a67f04-b918-44ac-9b63-49efe8d34356',
          seat_ids: ['011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0'],
          discount_id: null,
        },
      ],
    },
  );

/** A field that is absent is not changed. */
export const orderUpdateSchema = (maxSeats: number) =>
  Type.Object(
    {
      seat_ids: Type.Optional(
        seatIds(maxSeats, 'All seats of the changed order; seats that it has already keep their price'),
      ),
      discount_id: discountId('Null or empty removes the discount'),
    },
    {
      // A body with neither field is a mistake of the caller.
      anyOf: [{ required: ['seat_ids'] }, { required: ['discount_id'] }],
      examples: [{ seat_ids: ['011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0'], discount_id: null }],
    },
  );

export const OrderResponseSchema = Type.Object(
  {
    order_id: Uuid('The order'),
    session_id: Uuid('The session'),
    organization_id: Uuid('The organisation'),
    seat_ids: Type.Array(Type.String()),
    user_id: Uuid('The buyer'),
  },
  {
    examples: [
      {
        order_id: '8d564400-1273-4e3c-9b7d-cc3beccd2b27',
        session_id: '293bed3f-c670-42f6-9e28-628cd6fec57a',
        organization_id: '22a67f04-b918-44ac-9b63-49efe8d34356',
        seat_ids: ['011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0'],
        user_id: 'aa59a6f4-b86c-4fdf-8440-3cb190b40159',
      },
    ],
  },
);

export const ORDER_EXAMPLE = {
  OrderID: '8d564400-1273-4e3c-9b7d-cc3beccd2b27',
  UserID: 'aa59a6f4-b86c-4fdf-8440-3cb190b40159',
  EventID: '3471e132-69f2-4764-ac79-e5ad57111483',
  OrganizationID: '22a67f04-b918-44ac-9b63-49efe8d34356',
  SessionID: '293bed3f-c670-42f6-9e28-628cd6fec57a',
  Status: 'pending',
  SubTotal: 301,
  DiscountID: '',
  DiscountCode: '',
  DiscountAmount: 0,
  Price: 301,
  CreatedAt: '2026-11-24T03:17:15.905Z',
  PaymentIntentID: '',
  tickets: [],
};

export const OrderSchema = Type.Object(
  {
    OrderID: Uuid('The order'),
    UserID: Uuid('The buyer'),
    EventID: Uuid('The event'),
    OrganizationID: Uuid('The organisation'),
    SessionID: Uuid('The session'),
    Status: Type.Union([Type.Literal('pending'), Type.Literal('completed'), Type.Literal('cancelled')]),
    SubTotal: Type.Number({ description: 'Major units' }),
    DiscountID: Type.String({ description: 'Empty when there is none' }),
    DiscountCode: Type.String(),
    DiscountAmount: Type.Number({ description: 'Major units' }),
    Price: Type.Number({ description: 'SubTotal less DiscountAmount: the amount charged' }),
    CreatedAt: Type.String({ description: 'RFC 3339 in UTC' }),
    PaymentIntentID: Type.String({ description: 'Empty when there is none' }),
    tickets: Type.Optional(Type.Array(TicketSchema)),
  },
  { examples: [ORDER_EXAMPLE] },
);

export const OrdersSchema = Type.Array(OrderSchema);

export const OrderParamsSchema = Type.Object({ orderId: Uuid('The order') });
