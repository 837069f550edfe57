import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { plainText, problems } from '../http/schemas.ts';
import type { HttpServer } from '../http/server.ts';
import type { PoolUse } from '../postgres/database.ts';
import { METRICS, type MetricName } from './metric-names.ts';

/** What is counted; each name is one of the metric that `docs/operations.md` explains. */
export interface Metrics {
  /** A request that was answered, by its route's pattern and never by its address. */
  request(request: { method: string; route: string; status: number; seconds: number }): void;
  /** Requests under way: one more, or one less. */
  underWay(change: 1 | -1): void;
  /** An error that was answered, by its code. */
  problem(code: string): void;
  /** An order that came to be, was refused or ended. */
  order(outcome: string, orders?: number): void;
  /** Money that was decided on, by what became of it. */
  money(outcome: string): void;
  /** Genuine webhooks, by what they are about. */
  webhook(kind: string): void;
  /** Payments that other systems told of, by what they said. */
  paymentTopic(outcome: string): void;
  /** Holds asked for, by what was answered: `undecided` is without Redis. */
  hold(answer: string): void;
  /** Whether a server is left alone because it does not answer. */
  circuit(server: string, isOpen: boolean): void;
  /** A request to place an order that was shed. */
  shed(): void;
  /** How many of them wait for their turn now. */
  waiting(count: number): void;
  /** The text that Prometheus reads. */
  text(readings: Readings): Promise<string>;
}

/** What is not counted but looked at, when somebody asks. */
export interface Readings {
  readonly pool: PoolUse;
  /** Whether the database takes reads and writes. */
  readonly isDatabaseUp: boolean;
  /** The process's clock less the database's. */
  readonly clockDifferenceSeconds: number;
  readonly streams: number;
  /** Log lines that were dropped since the start. */
  readonly droppedLines: number;
  /** Absent while the database does not say. */
  readonly queues: Queues | undefined;
}

/** What waits in the database: for every replica the same. */
export interface Queues {
  readonly outbox: { readonly waiting: number; readonly seconds: number; readonly blocked: number };
  readonly webhooks: Backlog;
  readonly refunds: Backlog;
  /** Pictures of the earlier service. */
  readonly earlierCodes: number;
}

export interface Backlog {
  readonly waiting: number;
  /** Age of the oldest. */
  readonly seconds: number;
  /** Those among them that wait for a person. */
  readonly stuck: number;
}

/** From a hold refused in a millisecond to a payment that Stripe was asked about three times. */
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Others are counted as `other`: a label has no more values than we give it. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const STATUS_CLASS_SIZE = 100;

/** https://prometheus.io/docs/practices/naming/ */
export function createMetrics(version: string, errorCodes: readonly string[] = []): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const described = (name: MetricName) => ({
    name,
    help: METRICS[name].help,
    labelNames: [...METRICS[name].labels],
    registers,
  });
  const counter = (name: MetricName) => new Counter(described(name));
  const gauge = (name: MetricName) => new Gauge(described(name));

  const requests = new Histogram({
    ...described('ticketing_http_request_duration_seconds'),
    buckets: SECONDS_BUCKETS,
  });
  const underWay = gauge('ticketing_http_requests_under_way');
  const problemCodes = counter('ticketing_problems_total');
  // From the start, so that the first of a kind is a change and not a new series.
  for (const code of errorCodes) problemCodes.inc({ code }, 0);
  const orders = counter('ticketing_orders_total');
  const money = counter('ticketing_money_total');
  const webhooks = counter('ticketing_webhooks_total');
  const topics = counter('ticketing_payment_topic_total');
  const holds = counter('ticketing_holds_total');
  const circuits = gauge('ticketing_circuit_open');
  const queued = gauge('ticketing_placing_waiting');
  const shed = counter('ticketing_placing_shed_total');
  const droppedLines = counter('ticketing_log_lines_dropped_total');
  gauge('ticketing_build_info').set({ version, node: process.versions.node }, 1);
  const read = createReader(gauge);
  return {
    request({ method, route, status, seconds }) {
      const labels = {
        method: METHODS.has(method) ? method : 'other',
        route,
        status: `${Math.floor(status / STATUS_CLASS_SIZE)}xx`,
      };
      requests.observe(labels, seconds);
    },
    underWay: (change) => underWay.inc(change),
    problem: (code) => problemCodes.inc({ code }),
    order: (outcome, count = 1) => orders.inc({ outcome }, count),
    money: (outcome) => money.inc({ outcome }),
    webhook: (kind) => webhooks.inc({ kind }),
    paymentTopic: (outcome) => topics.inc({ outcome }),
    hold: (answer) => holds.inc({ answer }),
    circuit: (server, isOpen) => circuits.set({ server }, isOpen ? 1 : 0),
    shed: () => shed.inc(),
    waiting: (count) => queued.set(count),
    async text(readings) {
      read(readings);
      droppedLines.reset();
      droppedLines.inc(readings.droppedLines);
      const [ours, process] = await Promise.all([registry.metrics(), processRegistry().metrics()]);
      return `${ours}\n${process}`;
    },
  };
}

/** Sets what is looked at. What is not known is no number, so that nobody takes it for nothing. */
function createReader(gauge: (name: MetricName) => Gauge): (readings: Readings) => void {
  const connections = gauge('ticketing_database_connections');
  const waitingForOne = gauge('ticketing_database_requests_waiting');
  const answers = gauge('ticketing_database_up');
  const clockDifference = gauge('ticketing_clock_difference_seconds');
  const streams = gauge('ticketing_streams_open');
  const queues: readonly [Gauge, (known: Queues) => number][] = [
    [gauge('ticketing_outbox_waiting'), ({ outbox }) => outbox.waiting],
    [gauge('ticketing_outbox_lag_seconds'), ({ outbox }) => outbox.seconds],
    [gauge('ticketing_outbox_blocked_keys'), ({ outbox }) => outbox.blocked],
    [gauge('ticketing_webhooks_waiting'), ({ webhooks }) => webhooks.waiting],
    [gauge('ticketing_webhooks_lag_seconds'), ({ webhooks }) => webhooks.seconds],
    [gauge('ticketing_webhooks_stuck'), ({ webhooks }) => webhooks.stuck],
    [gauge('ticketing_refunds_waiting'), ({ refunds }) => refunds.waiting],
    [gauge('ticketing_refunds_lag_seconds'), ({ refunds }) => refunds.seconds],
    [gauge('ticketing_refunds_stuck'), ({ refunds }) => refunds.stuck],
    [gauge('ticketing_earlier_codes_waiting'), ({ earlierCodes }) => earlierCodes],
  ];
  return (readings) => {
    connections.set({ state: 'busy' }, readings.pool.busy);
    connections.set({ state: 'idle' }, readings.pool.idle);
    waitingForOne.set(readings.pool.waiting);
    streams.set(readings.streams);
    answers.set(readings.isDatabaseUp && readings.queues ? 1 : 0);
    clockDifference.set(readings.clockDifferenceSeconds);
    for (const [each, of] of queues) each.set(readings.queues ? of(readings.queues) : Number.NaN);
  };
}

let ofProcess: Registry | undefined;

/** Memory, processor, event loop and garbage collection: of the process, however many services run in it. */
function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** `/metrics`, for Prometheus: no name and no id stands in it. */
export function metricsRoute(scope: HttpServer, text: () => Promise<string>): void {
  scope.get(
    '/metrics',
    {
      config: { access: 'public', whileStopping: true },
      schema: {
        tags: ['Health'],
        summary: 'Metrics, as Prometheus reads them',
        response: { 200: plainText('Metrics', 'ticketing_outbox_waiting 0'), ...problems },
      },
    },
    async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await text()),
  );
}
