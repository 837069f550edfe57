import type { Traces } from '../../kernel/trace.ts';

/** Spans that are sent to a collector. It does not exist when tracing is off. */
export interface Tracing extends Traces {
  /**
   * Starts the span of a request in the caller's trace. `run` calls a function in the span's context; `end` is called once,
   * when the request has been answered.
   */
  request(method: string, headers: RequestHeaders): RequestSpan;
  /** Starts the span of a message's publication, in the trace that wrote the message; it lasts until `end`. */
  publish(topic: string, traceparent: string): { readonly traceparent: string; end(error?: unknown): void };
  /** A turn of background work. It gets a trace of its own if it does anything that creates a span. */
  turn<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Runs a step of the current work in a span; outside a trace it runs without one. */
  step<Result>(name: string, attributes: Attributes, work: () => Promise<Result>): Promise<Result>;
  /** The ids of the current span, for log lines. */
  ids(): { readonly trace_id?: string; readonly span_id?: string };
  /** Sends the remaining spans, with a time limit. */
  close(): Promise<void>;
}

export type Attributes = Readonly<Record<string, string | number>>;
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface RequestSpan {
  run(work: () => void): void;
  end(route: string, status: number): void;
}

export interface TracingOptions {
  /** Address of the collector, without `/v1/traces`. */
  readonly endpoint: string;
  /** Sampled share of new traces, 0 to 1. Traces that are continued keep their sampling decision. */
  readonly ratio: number;
  readonly version: string;
  readonly instanceId: string;
  /** Called when spans could not be sent; they are lost. */
  readonly onError: (error: unknown) => void;
}

/** Starts tracing. OpenTelemetry is loaded here only, so that a process without tracing does not load it. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { createTracing } = await import('./opentelemetry.ts');
  return createTracing(options);
}
