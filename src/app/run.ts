import { withTimeLimit } from '../kernel/time-limit.ts';
import type { Feature, Job } from '../platform/feature.ts';
import type { Drain } from '../platform/http/drain.ts';
import { reportFailures } from '../platform/jobs/failures.ts';
import { startPoller } from '../platform/jobs/poller.ts';
import type { Foundation } from './foundation.ts';
import type { Servers } from './servers.ts';

/** A stop that takes longer than this is cut short; another process continues the work that was cut. */
export const STOP_TIMEOUT_MS = 20_000;
/** How long a stop waits for requests under way; the rest of its time is for consumers of Kafka. */
const DRAIN_MS = 10_000;
/** How long a stop waits for turns under way: a turn that waits for Stripe, or compares thousands of payments, is cut. */
const LAST_TURNS_MS = 4_000;
/** The limit of all of that, from the start of the stop; the rest is for the last messages and for closing. */
const HANDED_OVER_BY_MS = 15_000;
const LAST_PUBLISHING_MS = 3_000;

/** The jobs of the features by their names. Throws when two jobs have the same name. */
export function jobsOf(features: readonly Feature[]): ReadonlyMap<string, Job> {
  const jobs = new Map<string, Job>();
  for (const job of features.flatMap((feature) => feature.jobs ?? [])) {
    if (jobs.has(job.name)) throw new Error(`two jobs are named ${job.name}`);
    jobs.set(job.name, job);
  }
  return jobs;
}

/** Runs one turn of a job. Throws when no job has that name. */
export async function turnOf(jobs: ReadonlyMap<string, Job>, name: string): Promise<boolean> {
  const job = jobs.get(name);
  if (!job) throw new Error(`there is no job named ${name}`);
  return job.turn();
}

/** Subscribes the consumers of the features to their topics; the replicas share the messages. */
export function subscribe({ eventLog }: Pick<Servers, 'eventLog'>, group: string, features: readonly Feature[]): void {
  for (const { topic, handle } of features.flatMap((feature) => feature.consumers ?? []))
    eventLog.subscribe(group, topic, handle);
}

/** What a stop has to end beside the jobs. */
interface Running {
  readonly features: readonly Feature[];
  readonly drain: Drain;
  readonly kafka: Servers['kafka'];
}

/**
 * Starts every job and the consumers of Kafka. A stop finishes requests under way, lets turns under way end, and publishes
 * the last messages.
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
    // Publishes the messages committed since the relay's last turn. When that takes too long, the next leader does it.
    const publishing = jobs.get('relay')?.turn().catch(foundation.failed('relay'));
    await withTimeLimit(LAST_PUBLISHING_MS, Promise.resolve(publishing), () => undefined);
  });
  // This runs first at a stop, so that messages of the last requests are still published.
  closing.add(async () => {
    handedOverBy = performance.now() + HANDED_OVER_BY_MS;
    await listener.stopAccepting();
    const drained = drain.finish(DRAIN_MS);
    for (const feature of features) feature.stop?.();
    log.info({ cut: await drained }, 'requests under way have ended');
  });
}

/** Repeats a job when its bell rings, and at least at its interval; logs its failures and traces its turns. */
function repeat({ bell, log, tracing }: Foundation, job: Job) {
  const reported = reportFailures(() => job.turn(), {
    onFailure: (error, failures) => log.error({ job: job.name, failures, err: error }, 'background work failed'),
    onRecovery: (failures) => log.info({ job: job.name, failures }, 'background work goes on'),
    nowMs: () => performance.now(),
  });
  const turn = tracing ? () => tracing.turn(job.name, reported) : reported;
  return startPoller({ intervalMs: job.everyMs, bell: bell(job.name), turn, onError: () => undefined });
}
