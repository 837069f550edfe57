/**
 * Port: the trace that work belongs to, by its W3C `traceparent` (https://www.w3.org/TR/trace-context/). What is left for
 * later keeps it, and is done in the same trace.
 */
export interface Traces {
  /** Absent outside of any trace, and where nothing is traced. */
  current(): string | undefined;
  /** Does what was left for later by work of the trace `traceparent`, or in a new one. */
  resume<Result>(name: string, traceparent: string | undefined, work: () => Promise<Result>): Promise<Result>;
}

export const NO_TRACES: Traces = {
  current: () => undefined,
  resume: (_name, _traceparent, work) => work(),
};
