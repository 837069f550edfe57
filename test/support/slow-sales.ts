import { sql } from './databases.ts';

/** Every row of sales, as stored. */
export interface Rows {
  readonly orders: readonly OrderRow[];
  readonly tickets: readonly TicketRow[];
  readonly payments: readonly PaymentRow[];
  readonly refunds: readonly RefundRow[];
}

interface OrderRow {
  readonly order_id: string;
  readonly event_id: string;
  readonly organization_id: string;
  readonly session_id: string;
  readonly status: string;
  readonly subtotal: string;
  readonly price: string;
  readonly discount_id: string | null;
  readonly discount_code: string | null;
  readonly discount_amount: string;
  readonly created_at: Date;
}

interface TicketRow {
  readonly order_id: string;
  readonly tier_id: string;
  readonly tier_name: string;
  readonly colour: string;
  readonly price_at_purchase: string;
  readonly voided_at: Date | null;
}

interface PaymentRow {
  readonly payment_intent_id: string;
  readonly order_id: string;
  readonly amount_minor: string;
  readonly currency: string;
}

interface RefundRow {
  readonly payment_intent_id: string;
  readonly amount_minor: string;
}

/** All rows of an organisation. */
export async function readRows(dsn: string, organizationId: string): Promise<Rows> {
  const ids = 'SELECT order_id FROM orders WHERE organization_id = $1';
  const read = <Row extends object>(from: string) => sql<Row>(dsn, `SELECT * FROM ${from}`, [organizationId]);
  const [orders, tickets, payments, refunds] = await Promise.all([
    read<OrderRow>('orders WHERE organization_id = $1'),
    read<TicketRow>(`tickets WHERE order_id IN (${ids})`),
    read<PaymentRow>(`payments WHERE order_id IN (${ids})`),
    read<RefundRow>(
      `refunds WHERE payment_intent_id IN (SELECT payment_intent_id FROM payments WHERE order_id IN (${ids}))`,
    ),
  ]);
  return { orders, tickets, payments, refunds };
}

const cents = (decimal: string) => Math.round(Number(decimal) * 100);
const major = (minor: number) => Number((minor / 100).toFixed(2));
const add = <Item>(items: readonly Item[], amount: (item: Item) => number) =>
  items.reduce((total, item) => total + amount(item), 0);

const DAY = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
const CALENDARS = new Map<string, Intl.DateTimeFormat>();

/** The day of a moment in local time of the zone. */
function wallDay(at: Date, timeZone: string): string {
  const calendar = CALENDARS.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { timeZone, ...DAY });
  CALENDARS.set(timeZone, calendar);
  const parts = calendar.formatToParts(at);
  const by = new Map(parts.map(({ type, value }) => [type, value]));
  return `${by.get('year')}-${by.get('month')}-${by.get('day')}`;
}

/** `EventAnalytics` without its id, computed the slow and obvious way over the orders that `isWanted` selects. */
export function slowFigures(rows: Rows, timeZone: string, isWanted: (order: OrderRow) => boolean) {
  const sold = rows.orders.filter((order) => isWanted(order) && order.status === 'completed');
  const ticketsOf = (order: OrderRow) =>
    rows.tickets.filter((ticket) => ticket.order_id === order.order_id && ticket.voided_at === null);
  const tickets = sold.flatMap(ticketsOf);
  const days = [...new Set(sold.map((order) => wallDay(order.created_at, timeZone)))].sort();
  const every: string[] = [];
  for (let day = days[0]; day !== undefined && day <= (days.at(-1) ?? ''); day = dayAfter(day)) every.push(day);
  const tierIds = [...new Set(tickets.map((ticket) => ticket.tier_id))];
  return {
    ...slowTotals(rows, sold, isWanted),
    daily_sales: every.map((date) => {
      const ofDay = sold.filter((order) => wallDay(order.created_at, timeZone) === date);
      return {
        date,
        revenue: major(add(ofDay, (order) => cents(order.price))),
        tickets_sold: add(ofDay, (order) => ticketsOf(order).length),
      };
    }),
    sales_by_tier: tierIds
      .map((tierId) => {
        const ofTier = tickets.filter((ticket) => ticket.tier_id === tierId);
        return {
          tier_id: tierId,
          ...commonest(ofTier),
          tickets_sold: ofTier.length,
          revenue: major(add(ofTier, (ticket) => cents(ticket.price_at_purchase))),
        };
      })
      .sort((a, b) => (a.tier_name + a.tier_id < b.tier_name + b.tier_id ? -1 : 1)),
  };
}

function slowTotals(rows: Rows, sold: readonly OrderRow[], isWanted: (order: OrderRow) => boolean) {
  const wanted = new Set(rows.orders.filter(isWanted).map((order) => order.order_id));
  const payments = rows.payments.filter((payment) => wanted.has(payment.order_id) && payment.currency === 'lkr');
  const refunds = rows.refunds.filter((refund) =>
    payments.some((payment) => payment.payment_intent_id === refund.payment_intent_id),
  );
  const taken = add(payments, (payment) => Number(payment.amount_minor));
  const refunded = add(refunds, (refund) => Number(refund.amount_minor));
  const good = rows.tickets.filter(
    (ticket) => ticket.voided_at === null && sold.some((order) => order.order_id === ticket.order_id),
  );
  return {
    total_revenue: major(add(sold, (order) => cents(order.price))),
    total_before_discounts: major(add(sold, (order) => cents(order.subtotal))),
    total_tickets_sold: good.length,
    total_orders: sold.length,
    money_taken: major(taken),
    money_refunded: major(refunded),
    money_net: major(taken - refunded),
    currency: 'lkr',
  };
}

/** `sessions` of an event: those with completed orders or with money. */
export function slowSessions(rows: Rows, eventId: string) {
  const ofEvent = rows.orders.filter((order) => order.event_id === eventId);
  const paid = new Set(rows.payments.filter(({ currency }) => currency === 'lkr').map((each) => each.order_id));
  const shown = ofEvent.filter((order) => order.status === 'completed' || paid.has(order.order_id));
  return [...new Set(shown.map((order) => order.session_id))].sort().map((sessionId) => {
    const isOfSession = (order: OrderRow) => order.event_id === eventId && order.session_id === sessionId;
    const sold = ofEvent.filter((order) => isOfSession(order) && order.status === 'completed');
    return { session_id: sessionId, ...slowTotals(rows, sold, isOfSession) };
  });
}

/** `discount_usage` of an event. */
export function slowDiscounts(rows: Rows, timeZone: string, eventId: string) {
  const used = rows.orders.filter(
    (order) => order.event_id === eventId && order.status === 'completed' && order.discount_id !== null,
  );
  const keyOf = (order: OrderRow) => `${wallDay(order.created_at, timeZone)} ${order.discount_code}`;
  return [...new Set(used.map(keyOf))].sort().map((key) => {
    const [date = '', discount_code = ''] = key.split(' ');
    const group = used.filter((order) => keyOf(order) === key);
    const amount = major(add(group, (order) => cents(order.discount_amount)));
    return { date, discount_code, usage_count: group.length, total_discount_amount: amount };
  });
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}

/** The name that most of a tier's tickets have. */
function commonest(tickets: readonly TicketRow[]) {
  const names = tickets.map(({ tier_name, colour }) => `${tier_name}\n${colour}`);
  const count = (name: string) => names.filter((each) => each === name).length;
  const [best = ''] = [...new Set(names)].sort((a, b) => count(b) - count(a) || (a < b ? -1 : 1));
  const [tier_name = '', tier_color = ''] = best.split('\n');
  return { tier_name, tier_color };
}
