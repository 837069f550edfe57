interface Described {
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric of this service; `docs/operations.md` says when to react. Each label has a limited set of values. */
export const METRICS = {
  ticketing_http_request_duration_seconds: {
    help: 'Answered requests and their duration, without event streams',
    labels: ['method', 'route', 'status'],
  },
  ticketing_http_requests_under_way: { help: 'Requests in progress, with event streams', labels: [] },
  ticketing_problems_total: { help: 'Error answers by code', labels: ['code'] },
  ticketing_orders_total: { help: 'Orders placed, refused, completed or ended', labels: ['outcome'] },
  ticketing_placing_waiting: { help: 'Requests to place an order that wait in the queue', labels: [] },
  ticketing_placing_shed_total: { help: 'Requests to place an order that were shed with 503', labels: [] },
  ticketing_money_total: { help: 'Payments by outcome', labels: ['outcome'] },
  ticketing_webhooks_total: { help: 'Verified webhooks by kind', labels: ['kind'] },
  ticketing_payment_topic_total: { help: 'Payment messages of other systems by outcome', labels: ['outcome'] },
  ticketing_holds_total: { help: 'Holds requested from Redis, by answer', labels: ['answer'] },
  ticketing_scans_refused_total: { help: 'Scans that were refused, by code', labels: ['code'] },
  ticketing_circuit_open: { help: '1 while the circuit breaker of a server is open', labels: ['server'] },
  ticketing_database_up: { help: '1 while the database accepts reads and writes', labels: [] },
  ticketing_clock_difference_seconds: {
    help: 'Clock of this machine minus the clock of the database, in seconds',
    labels: [],
  },
  ticketing_database_connections: { help: 'Connections of the pool', labels: ['state'] },
  ticketing_database_requests_waiting: { help: 'Callers that wait for a connection of the pool', labels: [] },
  ticketing_log_lines_dropped_total: { help: 'Log lines dropped because standard output was not read', labels: [] },
  ticketing_build_info: { help: 'Always 1; the labels are the running versions', labels: ['version', 'node'] },
  ticketing_streams_open: { help: 'Event streams open on this replica', labels: [] },
  ticketing_outbox_waiting: { help: 'Committed messages that are not published yet', labels: [] },
  ticketing_outbox_lag_seconds: { help: 'Age of the oldest unpublished message', labels: [] },
  ticketing_outbox_blocked_keys: { help: 'Keys blocked by a message that cannot be published', labels: [] },
  ticketing_webhooks_waiting: { help: 'Received webhooks that are not applied yet', labels: [] },
  ticketing_webhooks_lag_seconds: { help: 'Age of the oldest webhook that is not applied yet', labels: [] },
  ticketing_webhooks_stuck: { help: 'Webhooks that wait for an operator', labels: [] },
  ticketing_refunds_waiting: { help: 'Refunds that are not sent yet', labels: [] },
  ticketing_refunds_lag_seconds: { help: 'Age of the oldest refund that is not sent yet', labels: [] },
  ticketing_refunds_stuck: { help: 'Refunds that wait for an operator', labels: [] },
  ticketing_earlier_codes_waiting: { help: 'QR code images of the earlier service that are not read yet', labels: [] },
} as const satisfies Record<string, Described>;

export type MetricName = keyof typeof METRICS;
