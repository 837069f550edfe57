import { type TProperties, Type } from 'typebox';
import { Uuid } from '../../platform/http/schemas.ts';
import { ORDER_EXAMPLE, OrderSchema } from '../orders/index.ts';

const EVENT = '3471e132-69f2-4764-ac79-e5ad57111483';
const SESSION = '293bed3f-c670-42f6-9e28-628cd6fec57a';
const ORGANIZATION = '22a67f04-b918-44ac-9b63-49efe8d34356';
const MAX_ZONE_CHARS = 64;
/** Maximum events of a batch: enough for a large organiser, and few enough to bound the response. */
const MAX_EVENTS = 200;
const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const MAX_OFFSET = 10_000_000;
const MAX_CURSOR_CHARS = 512;

export const ZoneSchema = Type.Object({
  tz: Type.String({
    default: 'UTC',
    maxLength: MAX_ZONE_CHARS,
    description: 'Time zone of the days, by its IANA name',
    examples: ['Asia/Colombo'],
  }),
});

const amount = (description: string) => Type.Number({ description: `Major units: ${description}` });

const TOTALS = {
  total_revenue: amount('prices of completed orders at the time of sale'),
  total_before_discounts: amount('their subtotals'),
  total_tickets_sold: Type.Integer({ description: 'Number of good tickets of completed orders' }),
  total_orders: Type.Integer({ description: 'Number of completed orders' }),
  money_taken: amount('all payments received, whatever happened to their orders'),
  money_refunded: amount('refunds of these payments, sent or pending'),
  money_net: amount('money_taken less money_refunded'),
  currency: Type.String({ description: 'ISO 4217 in lower case' }),
};

const FIGURES = {
  ...TOTALS,
  daily_sales: Type.Array(
    Type.Object({
      date: Type.String({ description: 'Day of `tz` on which the orders were placed, YYYY-MM-DD' }),
      revenue: amount('prices of the orders'),
      tickets_sold: Type.Integer(),
    }),
    { description: 'All days from the first sale to the last' },
  ),
  sales_by_tier: Type.Array(
    Type.Object({
      tier_id: Uuid('The price tier'),
      tier_name: Type.String(),
      tier_color: Type.String(),
      tickets_sold: Type.Integer(),
      revenue: amount('prices of the tickets, before discounts'),
    }),
  ),
};

const TOTALS_EXAMPLE = {
  total_revenue: 149.5,
  total_before_discounts: 301,
  total_tickets_sold: 2,
  total_orders: 1,
  money_taken: 149.5,
  money_refunded: 0,
  money_net: 149.5,
  currency: 'lkr',
};
const FIGURES_EXAMPLE = {
  ...TOTALS_EXAMPLE,
  daily_sales: [{ date: '2026-11-24', revenue: 149.5, tickets_sold: 2 }],
  sales_by_tier: [
    {
      tier_id: '33333333-3333-3333-3333-333333333333',
      tier_name: 'VIP',
      tier_color: '#FFD700',
      tickets_sold: 2,
      revenue: 301,
    },
  ],
};

export const FiguresSchema = Type.Object(FIGURES, { examples: [FIGURES_EXAMPLE] });

/** Figures with the ids of what they are about. */
const figuresWith = <Ids extends TProperties>(ids: Ids, example: Readonly<Record<keyof Ids, unknown>>) =>
  Type.Object({ ...ids, ...FIGURES }, { examples: [{ ...example, ...FIGURES_EXAMPLE }] });

export const EventFiguresSchema = figuresWith({ event_id: Uuid('The event') }, { event_id: EVENT });
export const SessionFiguresSchema = figuresWith(
  { event_id: Uuid('The event'), session_id: Uuid('The session') },
  { event_id: EVENT, session_id: SESSION },
);
export const EventsFiguresSchema = figuresWith({ event_ids: Type.Array(Uuid('An event')) }, { event_ids: [EVENT] });
export const OrganizationFiguresSchema = figuresWith(
  { organization_id: Uuid('The organisation') },
  { organization_id: ORGANIZATION },
);
export const EachFiguresSchema = Type.Object(
  { eventAnalytics: Type.Record(Type.String(), EventFiguresSchema, { description: 'By event id' }) },
  { examples: [{ eventAnalytics: { [EVENT]: { event_id: EVENT, ...FIGURES_EXAMPLE } } }] },
);

export const SessionsSchema = Type.Object(
  { event_id: Uuid('The event'), sessions: Type.Array(Type.Object({ session_id: Uuid('The session'), ...TOTALS })) },
  { examples: [{ event_id: EVENT, sessions: [{ session_id: SESSION, ...TOTALS_EXAMPLE }] }] },
);

export const DiscountsSchema = Type.Object(
  {
    event_id: Uuid('The event'),
    discount_usage: Type.Array(
      Type.Object({
        date: Type.String({ description: 'Day of `tz`, YYYY-MM-DD' }),
        discount_code: Type.String(),
        usage_count: Type.Integer({ description: 'Number of completed orders with this code' }),
        total_discount_amount: amount('total discount'),
      }),
    ),
  },
  {
    examples: [
      {
        event_id: EVENT,
        discount_usage: [{ date: '2026-11-24', discount_code: 'EARLY', usage_count: 3, total_discount_amount: 151.5 }],
      },
    ],
  },
);

export const BatchSchema = Type.Object(
  { eventIds: Type.Array(Uuid('An event', EVENT), { minItems: 1, maxItems: MAX_EVENTS }) },
  { examples: [{ eventIds: [EVENT] }] },
);

export const EventParamsSchema = Type.Object({ eventId: Uuid('The event', EVENT) });
export const SessionParamsSchema = Type.Object({ sessionId: Uuid('The session', SESSION) });
export const EventSessionParamsSchema = Type.Object({
  eventId: Uuid('The event', EVENT),
  sessionId: Uuid('The session', SESSION),
});
export const OrganizationParamsSchema = Type.Object({ organizationId: Uuid('The organisation', ORGANIZATION) });

const oneOf = <const Values extends readonly string[]>(values: Values, description: string) =>
  Type.Union(
    values.map((value) => Type.Literal(value as Values[number])),
    { description },
  );

export const OrdersQuerySchema = Type.Object({
  sessionId: Type.Optional(Uuid('Only orders of this session', SESSION)),
  status: Type.Optional(oneOf(['pending', 'completed', 'cancelled'], 'Only orders in this state')),
  sort: Type.Optional(oneOf(['created_at', 'order_date', 'price'], '`order_date` is `created_at`')),
  order: Type.Optional(oneOf(['asc', 'desc'], '`desc` by default')),
  limit: Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_OFFSET })),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_CURSOR_CHARS,
      description:
        '`x-next-cursor` of the previous page, instead of `offset`. Pages stay correct while orders are added',
    }),
  ),
});

export const ListedOrderSchema = Type.Object(
  { ...OrderSchema.properties, TotalCount: Type.Integer({ description: 'Number of orders on all pages' }) },
  { examples: [{ ...ORDER_EXAMPLE, TotalCount: 1 }] },
);

export const ExportQuerySchema = Type.Object({
  format: oneOf(['csv', 'xlsx'], 'Format of the file'),
  what: oneOf(['orders', 'tickets', 'checkins', 'discounts'], 'Content of the file'),
});
