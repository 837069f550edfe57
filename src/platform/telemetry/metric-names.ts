interface Described {
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric of ours; `docs/operations.md` says when to look. Each label has a bounded set of values. */
export const METRICS = {
  ticketing_http_request_duration_seconds: {
    help: 'Requests answered, and how long it took; without event streams',
    labels: ['method', 'route', 'status'],
  },
  ticketing_http_requests_under_way: {
    help: 'Requests being answered now, event streams included',
    labels: [],
  },
  ticketing_problems_total: { help: 'Errors answered, by their code', labels: ['code'] },
  ticketing_orders_total: {
    help: 'Orders that were placed, refused, completed or ended',
    labels: ['outcome'],
  },
  ticketing_placing_waiting: { help: 'Requests to place an order that wait for their turn', labels: [] },
  ticketing_placing_shed_total: {
    help: 'Requests to place an order that were told to come again',
    labels: [],
  },
  ticketing_money_total: { help: 'Payments decided on, by what became of them', labels: ['outcome'] },
  ticketing_webhooks_total: { help: 'Genuine webhooks, by what they are about', labels: ['kind'] },
  ticketing_payment_topic_total: { help: 'Payments other systems told of', labels: ['outcome'] },
  ticketing_holds_total: { help: 'Holds asked of Redis, by what was answered', labels: ['answer'] },
  ticketing_circuit_open: {
    help: '1 while a server is left alone because it does not answer',
    labels: ['server'],
  },
  ticketing_database_up: { help: '1 while the database answers and takes writes', labels: [] },
  ticketing_clock_difference_seconds: {
    help: 'Clock of this machine less the clock of the database, in seconds',
    labels: [],
  },
  ticketing_database_connections: { help: 'Connections of the pool', labels: ['state'] },
  ticketing_database_requests_waiting: { help: 'Work that waits for a connection of the pool', labels: [] },
  ticketing_log_lines_dropped_total: {
    help: 'Log lines dropped because nobody read standard output',
    labels: [],
  },
  ticketing_build_info: {
    help: 'Always 1; its labels say what runs',
    labels: ['version', 'node'],
  },
  ticketing_streams_open: { help: 'Event streams open on this replica', labels: [] },
  ticketing_outbox_waiting: { help: 'Messages committed and not published yet', labels: [] },
  ticketing_outbox_lag_seconds: { help: 'Age of the oldest message not published yet', labels: [] },
  ticketing_outbox_blocked_keys: {
    help: 'Keys that wait for a message that cannot be published',
    labels: [],
  },
  ticketing_webhooks_waiting: { help: 'Webhooks received and not applied yet', labels: [] },
  ticketing_webhooks_lag_seconds: { help: 'Age of the oldest webhook not applied yet', labels: [] },
  ticketing_webhooks_stuck: { help: 'Webhooks that wait for a person', labels: [] },
  ticketing_refunds_waiting: { help: 'Refunds decided on and not carried out yet', labels: [] },
  ticketing_refunds_lag_seconds: { help: 'Age of the oldest refund not carried out yet', labels: [] },
  ticketing_refunds_stuck: { help: 'Refunds that wait for a person', labels: [] },
  ticketing_earlier_codes_waiting: {
    help: 'Pictures of QR codes that the earlier service sold and that are not read yet',
    labels: [],
  },
} as const satisfies Record<string, Described>;

export type MetricName = keyof typeof METRICS;
