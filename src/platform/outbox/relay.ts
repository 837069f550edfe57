import { type Clock, type Instant, isDue, later } from '../../kernel/clock.ts';
import { AppError, reasonOf } from '../../kernel/errors.ts';
import type { EventMessage, EventPublisher, TopicNames } from '../../kernel/events.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { Database } from '../postgres/database.ts';
import type { Leader } from '../postgres/leader.ts';
import { type Horizon, horizonAfter, NOTHING_DONE } from './horizon.rules.ts';
import {
  blockKey,
  type FoundRow,
  liftBlocks,
  markPublished,
  type OutboxRow,
  removePublished,
  unpublished,
} from './outbox.store.ts';

/** Rows of other replicas are found within this; the bell announces our own. */
export const RELAY_POLL_MS = 100;
const BATCH_ROWS = 500;
/** After this many failed keys in a row and no success, the event log counts as unavailable. */
const FAILURES_BEFORE_UNAVAILABLE = 3;
const KEYS_AT_A_TIME = 25;
/** A query normally starts at the horizon. It starts at 0 this often, because an operator may have a message published again. */
const FULL_QUERY_EVERY_MS = 60_000;
const CLEAN_UP_EVERY_MS = 60_000;
const CLEAN_UP_ROWS = 10_000;
const DATABASE_CHECK_MS = 2_000;

export interface OutboxNeeds {
  readonly publisher: EventPublisher;
  /** Chooses the replica that publishes. */
  readonly leader: Pick<Leader, 'leads'>;
  readonly topics: TopicNames;
  /** How long published messages stay in the outbox. */
  readonly retentionMs: number;
}

export interface RelayNeeds extends OutboxNeeds {
  readonly database: Database;
  readonly clock: Clock;
  /** Called for each message that blocks its key. An unavailable event log makes the turn fail instead. */
  readonly onError: OnFailure;
}

interface Failure {
  readonly row: OutboxRow;
  readonly error: unknown;
}

/**
 * Publishes the outbox: one relay among the replicas, oldest messages first, a batch at a time, marked after the event log
 * has stored it. A crash between the two publishes the batch again (at least once), never in another order for a key.
 *
 * A message that cannot be published blocks its key for an increasing time, and the other keys continue. If several keys in
 * a row fail, the event log itself counts as unavailable: the blocks are then removed with the first success.
 */
export class Relay {
  readonly #needs: RelayNeeds;
  #horizon: Horizon = NOTHING_DONE;
  #nextFullQuery: Instant;
  #nextCleanUp: Instant;
  #isLogUnavailable = false;
  #isDatabaseInDoubt = false;

  constructor(needs: RelayNeeds) {
    this.#needs = needs;
    this.#nextFullQuery = needs.clock.now();
    this.#nextCleanUp = needs.clock.now();
  }

  /** Publishes one batch; true when there may be more. */
  async turn(): Promise<boolean> {
    try {
      return await this.#turn();
    } catch (error) {
      // The database may have failed over to a server with fewer transactions.
      this.#horizon = NOTHING_DONE;
      this.#isDatabaseInDoubt ||= isDatabaseUnavailable(error);
      throw error;
    }
  }

  async #turn(): Promise<boolean> {
    if (!(await this.#needs.leader.leads())) return false;
    // Messages that cannot be marked would be published again in each turn.
    if (this.#isDatabaseInDoubt) await this.#needs.database.ping(DATABASE_CHECK_MS);
    this.#isDatabaseInDoubt = false;
    const rows = await this.#query();
    if (rows.length > 0) await this.#publishBatch(rows);
    await this.#cleanUp();
    return rows.length === BATCH_ROWS;
  }

  async #query(): Promise<FoundRow[]> {
    const now = this.#needs.clock.now();
    if (isDue(now, this.#nextFullQuery, FULL_QUERY_EVERY_MS)) {
      this.#horizon = NOTHING_DONE;
      this.#nextFullQuery = later(now, FULL_QUERY_EVERY_MS);
    }
    return unpublished(this.#needs.database, BATCH_ROWS, now, this.#horizon.upTo);
  }

  async #publishBatch(rows: readonly FoundRow[]): Promise<void> {
    try {
      const marking = await this.#publish(rows);
      this.#horizon = horizonBeyond(this.#horizon, rows, marking);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      if (!(await this.#publishKeyByKey(rows))) {
        this.#isLogUnavailable = true;
        throw error;
      }
    }
    if (this.#isLogUnavailable) await liftBlocks(this.#needs.database, this.#needs.clock.now());
    this.#isLogUnavailable = false;
  }

  async #cleanUp(): Promise<void> {
    const now = this.#needs.clock.now();
    if (!isDue(now, this.#nextCleanUp, CLEAN_UP_EVERY_MS)) return;
    this.#nextCleanUp = later(now, CLEAN_UP_EVERY_MS);
    await removePublished(this.#needs.database, later(now, -this.#needs.retentionMs), CLEAN_UP_ROWS);
  }

  /**
   * Finds the keys that made a batch fail, and blocks them. After the first success, the remaining keys are published several
   * at a time, and one by one only if that fails. False when the event log is unavailable.
   */
  async #publishKeyByKey(rows: readonly OutboxRow[]): Promise<boolean> {
    const keys = [...Map.groupBy(rows, (row) => row.key).values()];
    const failures: Failure[] = [];
    let isAvailable = false;
    let failedInRow = 0;
    while (keys.length > 0) {
      const some: OutboxRow[][] = keys.splice(0, isAvailable ? KEYS_AT_A_TIME : 1);
      if (some.length > 1 && (await this.#arePublished(some.flat()))) continue;
      for (const ofKey of some) {
        const failure = await this.#publishInOrder(ofKey);
        isAvailable ||= failure?.row !== ofKey[0];
        failedInRow = failure?.row === ofKey[0] ? failedInRow + 1 : 0;
        if (failure) failures.push(failure);
        if (failedInRow >= FAILURES_BEFORE_UNAVAILABLE) return false;
      }
    }
    if (isAvailable) this.#report(failures);
    return isAvailable;
  }

  #report(failures: readonly Failure[]): void {
    for (const { row, error } of failures)
      this.#needs.onError(error, { topic: this.#needs.topics[row.topic], key: row.key, messageId: row.event_id });
  }

  async #arePublished(rows: readonly OutboxRow[]): Promise<boolean> {
    return this.#publish(rows).then(
      () => true,
      () => false,
    );
  }

  /** Publishes the messages of a key one by one, up to the first failure, which blocks the key and is returned. */
  async #publishInOrder(rows: readonly OutboxRow[]): Promise<Failure | undefined> {
    for (const row of rows) {
      try {
        await this.#publish([row]);
      } catch (error) {
        await blockKey(this.#needs.database, row.id, this.#needs.clock.now(), reasonOf(error));
        return { row, error };
      }
    }
    return undefined;
  }

  async #publish(rows: readonly OutboxRow[]): Promise<number> {
    await this.#needs.publisher.publish(rows.map((row) => toMessage(row, this.#needs.topics)));
    const ids = rows.map((row) => row.id);
    return markPublished(this.#needs.database, ids, this.#needs.clock.now());
  }
}

function isDatabaseUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'database_unavailable';
}

function horizonBeyond(horizon: Horizon, rows: readonly FoundRow[], marking: number): Horizon {
  const last = rows.at(-1);
  if (!last) return horizon;
  return horizonAfter(horizon, {
    lastId: last.id,
    isCut: rows.length === BATCH_ROWS,
    oldestRunning: last.oldest_running,
    isAnyBlocked: last.is_any_blocked,
    marking,
  });
}

function toMessage(row: OutboxRow, topics: TopicNames): EventMessage {
  return {
    eventId: row.event_id,
    topic: topics[row.topic],
    key: row.key,
    value: row.value,
    committedAt: row.committed_at,
    traceparent: row.traceparent ?? undefined,
  };
}
