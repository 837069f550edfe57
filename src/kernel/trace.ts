/**
 * Port: the trace that work belongs to, by its W3C `traceparent` (https://www.w3.org/TR/trace-context/). Deferred work
 * stores the `traceparent` and resumes the same trace.
 */
export interface Traces {
  /** Undefined outside a trace, and when tracing is off. */
  current(): string | undefined;
  /** Runs deferred work in the trace `traceparent`, or in a new trace. */
  resume<Result>(name: string, traceparent: string | undefined, work: () => Promise<Result>): Promise<Result>;
}

export const NO_TRACES: Traces = { current: () => undefined, resume: (_name, _traceparent, work) => work() };
