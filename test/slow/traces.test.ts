import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { type OtlpCollector, type SeenSpan, startOtlpCollector } from '../support/otlp-collector.ts';
import { CLIENT_SECRET, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';

const SERVER = 2;
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;
const events = recordEvents();
let collector: OtlpCollector;
let platform: PlatformApp;
let buyer: string;

beforeAll(async () => {
  collector = await startOtlpCollector();
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, TRUSTED_TRACE_NETWORKS: '192.0.2.7, 127.0.0.0/8' };
  platform = await startPlatformApp(tracing, {}, { eventLog: events.log });
  buyer = await platform.token(randomUUID());
});

beforeEach(() => {
  collector.spans.length = 0;
});

const newTrace = () => {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
};

/** The span of a trace, once the collector has it. */
const spanOf = (traceId: string, name: string): Promise<SeenSpan> =>
  until(`the span ${name}`, () => collector.spans.find((span) => span.traceId === traceId && span.name === name));

/** The trace context of a message on a topic. */
const traceOf = (topic: string, key: string) =>
  events.messages.find((message) => message.topic === topic && message.key === key)?.traceparent;

/** What the seating services were asked of an order; its session is asked for once a minute beside. */
const preOrders = () => platform.seating.calls.filter(({ path }) => path.endsWith('/validate-pre-order'));

const place = (headers: Record<string, string>) =>
  platform.app.call('POST', '/api/order', { token: buyer, body: platform.request(), headers });

describe('a request', () => {
  test('continues the caller’s trace through the seating services, the database and the topics', async () => {
    const { traceId, spanId, traceparent } = newTrace();
    platform.seating.calls.length = 0;
    const { status, body } = await place({ traceparent });
    expect(status).toBe(201);

    const request = await spanOf(traceId, 'POST /api/order');
    expect(request).toMatchObject({
      kind: SERVER,
      parentSpanId: spanId,
      failed: false,
      attributes: { 'http.request.method': 'POST', 'http.route': '/api/order', 'http.response.status_code': 201 },
      resource: { 'service.name': 'ms-ticketing' },
    });
    const asked = await until('both seating services', () => {
      const isAsked = ({ attributes }: SeenSpan) => String(attributes['url.path']).endsWith('/validate-pre-order');
      const calls = collector.spans.filter((span) => span.traceId === traceId && isAsked(span));
      return calls.length === 2 ? calls : undefined;
    });
    // The first request also needs a token of our own.
    expect(collector.spans.map(({ attributes }) => attributes['url.path'])).toContain(
      '/realms/event-ticketing/protocol/openid-connect/token',
    );
    for (const call of asked) {
      expect(call.kind).toBe(CLIENT);
      expect(call.parentSpanId).toBe(request.spanId);
      expect(call.attributes['http.response.status_code']).toBe(200);
    }
    // The headers that the seating services received.
    const received = preOrders().map(({ traceparent: header }) => header);
    expect(received.toSorted()).toEqual(asked.map((call) => `00-${traceId}-${call.spanId}-01`).toSorted());
    expect((await spanOf(traceId, 'order-insert')).parentSpanId).toBe(request.spanId);

    const sent = await spanOf(traceId, 'send ticketly.order.created');
    expect(sent).toMatchObject({ kind: PRODUCER, parentSpanId: request.spanId });
    expect(traceOf('ticketly.order.created', body.order_id)).toBe(`00-${traceId}-${sent.spanId}-01`);
  });

  test('without a trace begins a trace of its own, except for health and metrics', async () => {
    await platform.app.call('GET', '/healthz');
    await platform.app.call('GET', '/metrics');
    await platform.app.call('GET', '/api/order/health');
    await platform.app.call('GET', '/api/order/user/orders', { token: buyer });
    const span = await until('its span', () =>
      collector.spans.find(({ name }) => name === 'GET /api/order/user/orders'),
    );
    expect(span.parentSpanId).toBeUndefined();
    expect(collector.spans.filter(({ name }) => /health|metrics/.test(name))).toEqual([]);
  });

  test('that the caller did not sample is not recorded, and its trace context is still passed on', async () => {
    const { traceId, spanId } = newTrace();
    platform.seating.calls.length = 0;
    await place({ traceparent: `00-${traceId}-${spanId}-00` });
    for (const { traceparent } of platform.seating.calls) expect(traceparent).toMatch(`00-${traceId}-`);
    const after = newTrace();
    await place({ traceparent: after.traceparent });
    await spanOf(after.traceId, 'POST /api/order');
    expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
  });

  test('that fails is marked as failed, without error texts for the collector', async () => {
    platform.seating.query = { status: 500, body: { message: 'secret words' } };
    const { traceId, traceparent } = newTrace();
    expect((await place({ traceparent })).status).toBe(503);
    platform.seating.query = undefined;
    expect(await spanOf(traceId, 'POST /api/order')).toMatchObject({ failed: true });
    expect(collector.bodies.join('')).not.toContain('secret words');
  });

  test('has its trace ids in every log line about it', async () => {
    platform.app.log.length = 0;
    const { traceId, traceparent } = newTrace();
    const { headers } = await place({ traceparent });
    const lines = await until('its line', () => {
      const about = platform.app.log
        .map((line) => JSON.parse(line))
        .filter(({ reqId }) => reqId === headers.get('x-request-id'));
      return about.length > 0 ? about : undefined;
    });
    for (const line of lines) expect(line).toMatchObject({ trace_id: traceId, span_id: expect.any(String) });
  });
});

describe('stranger-trace: a caller whose network is not named', () => {
  test('does not decide what is sampled, and its trace is passed on to nobody', async () => {
    const there = await startPlatformApp({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER_ARG: '0',
      TRUSTED_TRACE_NETWORKS: '192.0.2.0/24',
    });
    const token = await there.token(randomUUID());
    const { traceId, traceparent } = newTrace();
    const placed = await there.app.call('POST', '/api/order', {
      token,
      body: there.request(),
      headers: { traceparent },
    });
    expect(placed.status).toBe(201);
    expect(there.seating.calls.length).toBeGreaterThan(1);
    for (const asked of there.seating.calls) expect(asked.traceparent ?? '').not.toContain(traceId);
    const kept = await there.app.sql('SELECT FROM outbox WHERE traceparent LIKE $1', [`%${traceId}%`]);
    expect(kept).toEqual([]);
    const after = newTrace();
    await place({ traceparent: after.traceparent });
    await spanOf(after.traceId, 'POST /api/order');
    expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
  });
});

describe('Stripe', () => {
  test('is called in the trace of the payment request, and its webhook is applied in the trace that delivered it', async () => {
    const orderId = await platform.place(buyer);
    const { traceId, traceparent } = newTrace();
    await platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, {
      token: buyer,
      headers: { traceparent },
    });
    const asked = await until('Stripe is asked', () =>
      collector.spans.find((span) => span.traceId === traceId && span.attributes['url.path'] === '/v1/payment_intents'),
    );
    expect(asked.kind).toBe(CLIENT);

    const paid = await platform.place(buyer);
    await platform.pay(buyer, paid);
    const applied = await until('the webhook is applied', () =>
      collector.spans.find(({ name }) => name === 'apply webhook'),
    );
    const webhook = await until('the request that brought it', () =>
      collector.spans.find(({ spanId }) => spanId === applied.parentSpanId),
    );
    expect(webhook.name).toBe('POST /api/webhook/stripe');
    const announced = await spanOf(applied.traceId, 'send ticketly.order.updated');
    expect(announced.parentSpanId).toBe(applied.spanId);
  });
});

describe('a topic', () => {
  test('is consumed in the trace of each message, and what follows is announced in it', async () => {
    const orderId = randomUUID();
    const { traceId, spanId, traceparent } = newTrace();
    await events.log.publish([
      {
        eventId: randomUUID(),
        topic: 'payment_unseecuufull',
        key: orderId,
        value: JSON.stringify({ order_id: orderId }),
        committedAt: instant(Date.now()),
        traceparent,
      },
    ]);
    const handled = await spanOf(traceId, 'process payment_unseecuufull');
    expect(handled).toMatchObject({ kind: CONSUMER, parentSpanId: spanId });
    expect((await spanOf(traceId, 'send payment_unseecuufull.dead')).parentSpanId).toBe(handled.spanId);
  });
});

describe('background work', () => {
  test('has a trace of its own for a turn that does something, with its announcements, and none for idle turns', async () => {
    const orderId = await platform.place(buyer);
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [orderId]);
    const turn = await until('the turn', () => collector.spans.find(({ name }) => name === 'expiry'));
    expect(turn.parentSpanId).toBeUndefined();
    const sent = await spanOf(turn.traceId, 'send ticketly.order.canceled');
    expect(sent.parentSpanId).toBe(turn.spanId);
    expect(traceOf('ticketly.order.canceled', orderId)).toContain(turn.traceId);
    // A hundred turns of twelve kinds have passed.
    const idle = collector.spans.filter(({ name }) => ['relay', 'saleStats', 'streamUpkeep'].includes(name));
    expect(idle).toEqual([]);
  });
});

test('the collector receives no token, no secret and no query', () => {
  const all = collector.bodies.join('');
  expect(collector.bodies.length).toBeGreaterThan(0);
  for (const secret of [buyer, CLIENT_SECRET, 'userId', 'sk_test', 'postgres://']) expect(all).not.toContain(secret);
});

describe('without a collector', () => {
  test('messages and requests carry no trace', async () => {
    const untraced = await startPlatformApp();
    const token = await untraced.token(randomUUID());
    untraced.seating.calls.length = 0;
    const orderId = await untraced.place(token);
    expect(new Set(untraced.seating.calls.map(({ traceparent }) => traceparent))).toEqual(new Set([undefined]));
    const rows = await untraced.app.sql('SELECT traceparent FROM outbox WHERE key = $1', [orderId]);
    expect(rows).toEqual([{ traceparent: null }]);
  });

  test.each([
    ['only the OpenTelemetry module that prom-client needs is loaded', {}, ['api']],
    [
      'naming one loads the rest',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
      expect.arrayContaining(['api', 'core', 'exporter-trace-otlp-http', 'resources', 'sdk-trace']),
    ],
  ])('%s', async (_name, env, expected) => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { process.stderr.write('LOADED ' + url + '\\n'); return next(url, context); } });`;
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(hook)}`;
    const service = await startServiceProcess({ NODE_OPTIONS, POSTGRES_DSN: platform.app.dsn, ...env });
    await service.url();
    service.child.kill('SIGKILL');
    await service.ended;
    const loaded = [...service.output().matchAll(/LOADED \S+\/@opentelemetry\/([\w-]+)\//g)].map(([, name]) => name);
    expect([...new Set(loaded)].toSorted()).toEqual(expected);
  });
});
