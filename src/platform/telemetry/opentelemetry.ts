import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { MS_PER_MINUTE } from '../../kernel/clock.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import { traceHttpOut } from './http-out.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

const SERVICE = 'ms-ticketing';
const MAX_WAITING_SPANS = 4_096;
const MAX_BATCH_SPANS = 512;
const SEND_EVERY_MS = 2_000;
const SEND_TIMEOUT_MS = 3_000;
/** Maximum wait for the collector when the process stops. */
const CLOSE_TIMEOUT_MS = 2_000;
/** An unavailable collector is reported this often, not for each batch. */
const REPORT_AGAIN_MS = MS_PER_MINUTE;
const SERVER_FAULT = 500;

/** The span of the current work. The span of a background turn starts when it is first needed. */
interface Active {
  readonly context: () => Context;
  /** Undefined while the span has not been needed. */
  readonly begun: () => Context | undefined;
}

const propagator = new W3CTraceContextPropagator();

/** The attributes follow https://opentelemetry.io/docs/specs/semconv/ */
export function createTracing(options: TracingOptions): Tracing {
  const provider = openProvider(options);
  const tracer = provider.getTracer(SERVICE, options.version);
  const active = new AsyncLocalStorage<Active>();
  const currentContext = () => active.getStore()?.context();
  const within = <Result>(span: Span, parent: Context, work: () => Result) =>
    active.run(always(trace.setSpan(parent, span)), work);
  const traced = <Result>(name: string, kind: SpanKind, parent: Context, work: () => Promise<Result>) => {
    const span = tracer.startSpan(name, { kind }, parent);
    return within(span, parent, () => ended(span, work));
  };
  const stopHttpOut = traceHttpOut(tracer, propagator, currentContext);

  return {
    current: () => traceparentOf(currentContext()),
    resume: (name, traceparent, work) => traced(name, SpanKind.CONSUMER, contextOf(traceparent), work),
    request(method, headers) {
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const attributes = { 'http.request.method': method };
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
      return {
        run: (work) => within(span, parent, work),
        end(route, status) {
          span.updateName(`${method} ${route}`);
          span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
          if (status >= SERVER_FAULT) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    publish(topic, traceparent) {
      const parent = contextOf(traceparent);
      const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': topic };
      const span = tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, parent);
      return {
        traceparent: traceparentOf(trace.setSpan(parent, span)) ?? traceparent,
        end: (error) => (error === undefined ? span.end() : endFailed(span, error)),
      };
    },
    turn: (name, work) => runTurn(tracer, active, name, work),
    async step(name, attributes, work) {
      const parent = active.getStore()?.begun();
      if (!parent) return work();
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
      return within(span, parent, () => ended(span, work));
    },
    ids() {
      const span = trace.getSpanContext(active.getStore()?.begun() ?? ROOT_CONTEXT);
      return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
    },
    async close() {
      stopHttpOut();
      const closed = provider.shutdown().catch(options.onError);
      await withTimeLimit(CLOSE_TIMEOUT_MS, closed, () => undefined);
    },
  };
}

function openProvider({ endpoint, ratio, version, instanceId, onError }: TracingOptions): TracerProvider {
  // The only place where OpenTelemetry reports spans that could not be sent.
  setGlobalErrorHandler(atMostEvery(REPORT_AGAIN_MS, onError));
  return new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': SERVICE,
      'service.version': version,
      'service.instance.id': instanceId,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: SEND_TIMEOUT_MS }),
        maxQueueSize: MAX_WAITING_SPANS,
        maxExportBatchSize: MAX_BATCH_SPANS,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  });
}

function always(context: Context): Active {
  return { context: () => context, begun: () => context };
}

function contextOf(traceparent: string | undefined): Context {
  return propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
}

function traceparentOf(context: Context | undefined): string | undefined {
  const carrier: { traceparent?: string } = {};
  if (context) propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier.traceparent;
}

async function runTurn<Result>(
  tracer: Tracer,
  active: AsyncLocalStorage<Active>,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const startTime = Date.now();
  let span: Span | undefined;
  const context = () => {
    span ??= tracer.startSpan(name, { startTime, root: true }, ROOT_CONTEXT);
    return trace.setSpan(ROOT_CONTEXT, span);
  };
  try {
    const result = await active.run({ context, begun: () => (span ? context() : undefined) }, work);
    span?.end();
    return result;
  } catch (error) {
    context();
    if (span) endFailed(span, error);
    throw error;
  }
}

async function ended<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    endFailed(span, error);
    throw error;
  }
}

/** Only the error's name or code, because its message may contain confidential values; the log has the rest, redacted. */
function endFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', typeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function atMostEvery(ms: number, report: (error: unknown) => void): (error: unknown) => void {
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - reportedAtMs < ms) return;
    reportedAtMs = performance.now();
    report(error);
  };
}
