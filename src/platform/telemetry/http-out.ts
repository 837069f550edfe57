import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace,
} from '@opentelemetry/api';

/** A request as `undici`, and so `fetch`, publishes it: https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md */
interface OutgoingRequest {
  readonly method: string;
  readonly origin: string | URL | undefined;
  readonly path: string;
  addHeader(name: string, value: string): void;
}

interface Published {
  readonly request: OutgoingRequest;
  readonly response?: { readonly statusCode: number };
  readonly error?: unknown;
}

const CLIENT_FAULT = 400;

/**
 * Adds a span for each outgoing HTTP request of traced work, and sends the trace context in the request's headers. Requests
 * without a `current` context are not traced. Returns the function that ends it.
 */
export function traceHttpOut(
  tracer: Tracer,
  propagator: TextMapPropagator,
  current: () => Context | undefined,
): () => void {
  const spans = new WeakMap<OutgoingRequest, Span>();

  const listeners: readonly [string, (published: Published) => void][] = [
    [
      'undici:request:create',
      ({ request }) => {
        const parent = current();
        if (!parent) return;
        const { hostname, port, protocol } = new URL(String(request.origin));
        const attributes = {
          'http.request.method': request.method,
          'server.address': hostname,
          'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
          // Without the query, which may contain user ids.
          'url.path': request.path.split('?', 1)[0] ?? '',
        };
        const span = tracer.startSpan(`${request.method} ${hostname}`, { kind: SpanKind.CLIENT, attributes }, parent);
        spans.set(request, span);
        propagator.inject(trace.setSpan(parent, span), request, {
          set: (carrier, name, value) => (carrier as OutgoingRequest).addHeader(name, value),
        });
      },
    ],
    [
      'undici:request:headers',
      ({ request, response }) => {
        const status = response?.statusCode ?? 0;
        spans.get(request)?.setAttribute('http.response.status_code', status);
        if (status >= CLIENT_FAULT) spans.get(request)?.setStatus({ code: SpanStatusCode.ERROR });
      },
    ],
    ['undici:request:trailers', ({ request }) => spans.get(request)?.end()],
    [
      'undici:request:error',
      ({ request, error }) => {
        const span = spans.get(request);
        span?.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
        span?.setStatus({ code: SpanStatusCode.ERROR });
        span?.end();
      },
    ],
  ];
  const subscribed = listeners.map(([channel, listen]) => {
    const onMessage = (message: unknown) => void listen(message as Published);
    subscribe(channel, onMessage);
    return () => unsubscribe(channel, onMessage);
  });
  return () => {
    for (const stop of subscribed) stop();
  };
}
