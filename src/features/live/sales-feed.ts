import { type Clock, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { numberChanges, removeFromFeed } from './feed.store.ts';

const NUMBER_BATCH = 500;
/** `Last-Event-ID` is valid for an hour. The rest allows for the time that a reader needs to reconnect. */
const KEPT_MS = 75 * MS_PER_MINUTE;
const FORGET_BATCH = 10_000;

/**
 * One turn of giving committed changes of sales their places in the feed, and of announcing them. Returns true if there may
 * be more. Any number of replicas may do it at once. It runs after the commit, so buyers' transactions do not wait for each
 * other.
 */
export async function numberSales(database: Executor, clock: Clock, announce: () => Promise<void>): Promise<boolean> {
  const numbered = await numberChanges(database, NUMBER_BATCH, clock.now());
  if (numbered > 0) await announce();
  return numbered === NUMBER_BATCH;
}

/** Removes rows of the feed that are too old for any reader. Returns true if there may be more. */
export async function forgetOldSales(database: Executor, clock: Clock): Promise<boolean> {
  return (await removeFromFeed(database, later(clock.now(), -KEPT_MS), FORGET_BATCH)) === FORGET_BATCH;
}
