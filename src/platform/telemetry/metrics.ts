import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { plainText, problems } from '../http/schemas.ts';
import type { HttpServer } from '../http/server.ts';
import type { PoolUse } from '../postgres/database.ts';
import { METRICS, type MetricName } from './metric-names.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** Values that are read when the metrics are requested. */
export interface Readings {
  readonly pool: PoolUse;
  /** Whether the database accepts reads and writes. */
  readonly isDatabaseUp: boolean;
  /** The process's clock minus the database's. */
  readonly clockDifferenceSeconds: number;
  readonly streams: number;
  /** Log lines dropped since the start. */
  readonly droppedLines: number;
  /** Undefined while the database does not answer. */
  readonly queues: Queues | undefined;
}

/** Backlogs in the database, which are the same for every replica. */
export interface Queues {
  readonly outbox: { readonly waiting: number; readonly seconds: number; readonly blocked: number };
  readonly webhooks: Backlog;
  readonly refunds: Backlog;
  /** QR code images of the earlier service that are not read yet. */
  readonly earlierCodes: number;
}

export interface Backlog {
  readonly waiting: number;
  /** Age of the oldest. */
  readonly seconds: number;
  /** Rows that wait for an operator. */
  readonly stuck: number;
}

/** From a refused hold, which takes a millisecond, to a payment with three calls to Stripe. */
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Other methods are counted as `other`, so that the label has a limited set of values. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const STATUS_CLASS_SIZE = 100;

/** The metrics of the process by name (`METRICS`): https://prometheus.io/docs/practices/naming/ */
export function createMetrics(version: string, errorCodes: readonly string[] = []) {
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

  const requests = new Histogram({ ...described('ticketing_http_request_duration_seconds'), buckets: SECONDS_BUCKETS });
  const underWay = gauge('ticketing_http_requests_under_way');
  const problemCodes = counter('ticketing_problems_total');
  // Series exist from the start, so that the first error of a code is an increase and not a new series.
  for (const code of errorCodes) problemCodes.inc({ code }, 0);
  const orders = counter('ticketing_orders_total');
  const money = counter('ticketing_money_total');
  const webhooks = counter('ticketing_webhooks_total');
  const topics = counter('ticketing_payment_topic_total');
  const holds = counter('ticketing_holds_total');
  const refusedScans = counter('ticketing_scans_refused_total');
  const circuits = gauge('ticketing_circuit_open');
  const queued = gauge('ticketing_placing_waiting');
  const shed = counter('ticketing_placing_shed_total');
  const droppedLines = counter('ticketing_log_lines_dropped_total');
  gauge('ticketing_build_info').set({ version, node: process.versions.node }, 1);
  const read = createReader(gauge);
  return {
    /** An answered request, by the pattern of its route, never by its address. */
    request({ method, route, status, seconds }: { method: string; route: string; status: number; seconds: number }) {
      const labels = {
        method: METHODS.has(method) ? method : 'other',
        route,
        status: `${Math.floor(status / STATUS_CLASS_SIZE)}xx`,
      };
      requests.observe(labels, seconds);
    },
    underWay: (change: 1 | -1) => underWay.inc(change),
    problem: (code: string) => problemCodes.inc({ code }),
    order: (outcome: string, count = 1) => orders.inc({ outcome }, count),
    money: (outcome: string) => money.inc({ outcome }),
    webhook: (kind: string) => webhooks.inc({ kind }),
    paymentTopic: (outcome: string) => topics.inc({ outcome }),
    /** `undecided` means that Redis did not answer. */
    hold: (answer: string) => holds.inc({ answer }),
    refusedScan: (code: string, scans: number) => refusedScans.inc({ code }, scans),
    circuit: (server: string, isOpen: boolean) => circuits.set({ server }, isOpen ? 1 : 0),
    shed: () => shed.inc(),
    waiting: (count: number) => queued.set(count),
    /** The metrics in Prometheus' text format. */
    async text(readings: Readings): Promise<string> {
      read(readings);
      droppedLines.reset();
      droppedLines.inc(readings.droppedLines);
      const [ours, process] = await Promise.all([registry.metrics(), processRegistry().metrics()]);
      return `${ours}\n${process}`;
    },
  };
}

/** Sets the gauges. Unknown values are NaN, not 0. */
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

/** Memory, CPU, event loop and garbage collection. One registry for the process, because tests run several services in it. */
function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** `/metrics` for Prometheus; it contains no names and no ids. */
export function metricsRoute(scope: HttpServer, text: () => Promise<string>): void {
  scope.get(
    '/metrics',
    {
      config: { access: 'public', whileStopping: true },
      schema: {
        tags: ['Health'],
        summary: 'Metrics in Prometheus’ text format',
        response: { 200: plainText('Metrics', 'ticketing_outbox_waiting 0'), ...problems },
      },
    },
    async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await text()),
  );
}
