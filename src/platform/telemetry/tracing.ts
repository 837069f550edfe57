import type { Traces } from '../../kernel/trace.ts';

/** Spans around work, sent to a collector. There is none where nothing is traced. */
export interface Tracing extends Traces {
  /**
   * Begins a request's span as part of the caller's trace. `run` has something done within it; `end` is called once,
   * when the request was answered.
   */
  request(method: string, headers: RequestHeaders): RequestSpan;
  /** A message that is published: its span, as part of the trace that wrote it, from now until `end`. */
  publish(topic: string, traceparent: string): { readonly traceparent: string; end(error?: unknown): void };
  /** A turn at background work: a trace of its own when it does something that is seen in one, else nothing. */
  turn<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** A step of the work under way; outside of a span it is only done. */
  step<Result>(name: string, attributes: Attributes, work: () => Promise<Result>): Promise<Result>;
  /** For log lines. */
  ids(): { readonly trace_id?: string; readonly span_id?: string };
  /** Sends what is left, in bounded time. */
  close(): Promise<void>;
}

export type Attributes = Readonly<Record<string, string | number>>;
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface RequestSpan {
  run(work: () => void): void;
  end(route: string, status: number): void;
}

export interface TracingOptions {
  /** Of the collector, without `/v1/traces`. */
  readonly endpoint: string;
  /** Share of new traces that are kept, 0 to 1; those begun elsewhere keep what was decided there. */
  readonly ratio: number;
  readonly version: string;
  readonly instanceId: string;
  /** Told why spans could not be sent; they are lost. */
  readonly onError: (error: unknown) => void;
}

/** Loads OpenTelemetry, which nothing else does, and begins. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { createTracing } = await import('./opentelemetry.ts');
  return createTracing(options);
}
