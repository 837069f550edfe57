import { availableParallelism, loadavg } from 'node:os';

/** Machines that run the tests differ threefold in speed. */
const SLOW_MACHINE = 3;
const MAX_PATIENCE = 20;

/**
 * A deadline in whole milliseconds that a busy machine can keep: `ms` is the time for a quiet, fast one. It grows with the machine's load, so
 * that a test fails because of the service and not because of what else is running.
 */
export function patience(ms: number): number {
  const [load = 0] = loadavg();
  return Math.ceil(ms * Math.min(MAX_PATIENCE, SLOW_MACHINE * Math.max(1, load / availableParallelism())));
}
