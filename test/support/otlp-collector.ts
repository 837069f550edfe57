import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { atEnd } from './at-end.ts';
import { close, listen } from './servers.ts';

/** The parts of a span that tests look at, as a collector receives it. */
export interface SeenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly failed: boolean;
  readonly resource: Readonly<Record<string, string | number>>;
}

export type OtlpCollector = Awaited<ReturnType<typeof startOtlpCollector>>;

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}

interface WireSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes?: readonly KeyValue[];
  readonly status?: { readonly code?: number };
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

const FAILED = 2;

/** Accepts traces with OTLP over HTTP in JSON, and stores them. */
export async function startOtlpCollector() {
  const spans: SeenSpan[] = [];
  /** Every request body, as it was sent. */
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    bodies.push(body);
    if (request.url !== '/v1/traces') return void response.writeHead(404).end();
    for (const { resource, scopeSpans } of (JSON.parse(body) as ExportRequest).resourceSpans) {
      const about = valuesOf(resource.attributes);
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push(toSeen(span, about));
    }
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  });
  const url = await listen(server);
  atEnd(() => close(server));
  return { url, spans, bodies };
}

function toSeen(span: WireSpan, resource: SeenSpan['resource']): SeenSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    kind: span.kind,
    attributes: valuesOf(span.attributes ?? []),
    failed: span.status?.code === FAILED,
    resource,
  };
}

function valuesOf(pairs: readonly KeyValue[]): Record<string, string | number> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
}
