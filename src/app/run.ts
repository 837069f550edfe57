import { withTimeLimit } from '../kernel/time-limit.ts';
import type { Feature, Job } from '../platform/feature.ts';
import type { Drain } from '../platform/http/drain.ts';
import { reportFailures } from '../platform/jobs/failures.ts';
import { startPoller } from '../platform/jobs/poller.ts';
import type { Foundation } from './foundation.ts';
import type { Servers } from './servers.ts';

/** A stop that takes longer than this is cut short; what is cut is found again by the next process. */
export const STOP_TIMEOUT_MS = 20_000;
/** Requests under way when a stop begins have this long; the rest is for handing over what is read from Kafka. */
const DRAIN_MS = 10_000;
/** Turns under way have this long: one that waits for Stripe, or compares thousands of payments, is left to another process. */
const LAST_TURNS_MS = 4_000;
/** All of that together, since the stop began; what is left is for the last messages and for closing. */
const HANDED_OVER_BY_MS = 15_000;
const LAST_PUBLISHING_MS = 3_000;

/** The jobs of features, by their names. Throws when two have the same name. */
export function jobsOf(features: readonly Feature[]): ReadonlyMap<string, Job> {
  const jobs = new Map<string, Job>();
  for (const job of features.flatMap((feature) => feature.jobs ?? [])) {
    if (jobs.has(job.name)) throw new Error(`two jobs are named ${job.name}`);
    jobs.set(job.name, job);
  }
  return jobs;
}

/** Does one turn of a job. Throws when there is none of that name. */
export async function turnOf(jobs: ReadonlyMap<string, Job>, name: string): Promise<boolean> {
  const job = jobs.get(name);
  if (!job) throw new Error(`there is no job named ${name}`);
  return job.turn();
}

/** Hands each feature the messages of the topics that it consumes, shared among the replicas. */
export function subscribe(
  { eventLog }: Pick<Servers, 'eventLog'>,
  group: string,
  features: readonly Feature[],
): void {
  for (const { topic, handle } of features.flatMap((feature) => feature.consumers ?? []))
    eventLog.subscribe(group, topic, handle);
}

/** What of the service ends with its background work. */
interface Running {
  readonly features: readonly Feature[];
  readonly drain: Drain;
  readonly kafka: Servers['kafka'];
}

/**
 * Repeats every job until the stop, and reads from Kafka. A stop finishes requests under way, lets turns under way end,
 * and publishes what was committed last.
 */
export function startJobs(foundation: Foundation, jobs: ReadonlyMap<string, Job>, running: Running): void {
  const { closing, listener, log } = foundation;
  const { features, drain, kafka } = running;
  const pollers = [...jobs.values()].map((job) => repeat(foundation, job));
  kafka?.startReading();
  let handedOverBy = 0;
  closing.add(async () => {
    const ended = Promise.all(pollers.map((poller) => poller.stop()));
    const lastTurns = withTimeLimit(LAST_TURNS_MS, ended, () => undefined);
    const handedOver = Promise.all([lastTurns, kafka?.stopReading()]);
    await withTimeLimit(handedOverBy - performance.now(), handedOver, () => undefined);
    // What was committed since the relay last looked. Where that takes too long, the next leader publishes it.
    const publishing = jobs.get('relay')?.turn().catch(foundation.failed('relay'));
    await withTimeLimit(LAST_PUBLISHING_MS, Promise.resolve(publishing), () => undefined);
  });
  // First of all at a stop: what these requests still write is published before the relay rests.
  closing.add(async () => {
    handedOverBy = performance.now() + HANDED_OVER_BY_MS;
    await listener.stopAccepting();
    const drained = drain.finish(DRAIN_MS);
    for (const feature of features) feature.stop?.();
    log.info({ cut: await drained }, 'requests under way have ended');
  });
}

/** Repeats a job: when its bell rings, and at least at its interval. Its failures are logged, and its turns traced. */
function repeat({ bell, log, tracing }: Foundation, job: Job) {
  const reported = reportFailures(() => job.turn(), {
    onFailure: (error, failures) =>
      log.error({ job: job.name, failures, err: error }, 'background work failed'),
    onRecovery: (failures) => log.info({ job: job.name, failures }, 'background work goes on'),
    nowMs: () => performance.now(),
  });
  const turn = tracing ? () => tracing.turn(job.name, reported) : reported;
  return startPoller({ intervalMs: job.everyMs, bell: bell(job.name), turn, onError: () => undefined });
}
