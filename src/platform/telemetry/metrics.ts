import { Counter, Gauge, Registry } from 'prom-client';
import { plainText, problems } from '../http/schemas.ts';
import type { HttpServer } from '../http/server.ts';

/** What is counted; each name is one of the metric that `docs/operations.md` explains. */
export interface Metrics {
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
  text(): Promise<string>;
}

export interface Lag {
  readonly waiting: number;
  readonly seconds: number;
  readonly blocked: number;
}

export interface MetricsOptions {
  /** Asked at each reading. */
  readonly outboxLag: () => Promise<Lag>;
}

/** https://prometheus.io/docs/practices/naming/ */
export function createMetrics({ outboxLag }: MetricsOptions): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const counter = (name: string, help: string, label: string) =>
    new Counter({ name, help, labelNames: [label], registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });

  const money = counter('ticketing_money_total', 'Payments decided on, by what became of them', 'outcome');
  const webhooks = counter('ticketing_webhooks_total', 'Genuine webhooks, by what they are about', 'kind');
  const topics = counter('ticketing_payment_topic_total', 'Payments other systems told of', 'outcome');
  const holds = counter('ticketing_holds_total', 'Holds asked of Redis, by what was answered', 'answer');
  const circuits = new Gauge({
    name: 'ticketing_circuit_open',
    help: '1 while a server is left alone because it does not answer',
    labelNames: ['server'],
    registers,
  });
  const queued = gauge('ticketing_placing_waiting', 'Requests to place an order that wait for their turn');
  const shed = new Counter({
    name: 'ticketing_placing_shed_total',
    help: 'Requests to place an order that were told to come again',
    registers,
  });
  const waiting = gauge('ticketing_outbox_waiting', 'Messages committed and not published yet');
  const seconds = gauge('ticketing_outbox_lag_seconds', 'Age of the oldest message not published yet');
  const blocked = gauge(
    'ticketing_outbox_blocked_keys',
    'Keys that wait for a message that cannot be published',
  );
  return {
    money: (outcome) => money.inc({ outcome }),
    webhook: (kind) => webhooks.inc({ kind }),
    paymentTopic: (outcome) => topics.inc({ outcome }),
    hold: (answer) => holds.inc({ answer }),
    circuit: (server, isOpen) => circuits.set({ server }, isOpen ? 1 : 0),
    shed: () => shed.inc(),
    waiting: (count) => queued.set(count),
    async text() {
      const lag = await outboxLag();
      waiting.set(lag.waiting);
      seconds.set(lag.seconds);
      blocked.set(lag.blocked);
      return registry.metrics();
    },
  };
}

/** `/metrics`, for Prometheus: no name and no id stands in it. */
export function metricsRoute(scope: HttpServer, metrics: Pick<Metrics, 'text'>): void {
  scope.get(
    '/metrics',
    {
      config: { access: 'public' },
      schema: {
        tags: ['Health'],
        summary: 'Metrics, as Prometheus reads them',
        response: { 200: plainText('Metrics', 'ticketing_outbox_waiting 0'), ...problems },
      },
    },
    async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await metrics.text()),
  );
}
