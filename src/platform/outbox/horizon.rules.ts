/**
 * The number up to which the outbox is finished: all messages up to it are published, and no more can appear. Published
 * messages stay in the index of unpublished ones until the next vacuum; a query that starts here skips most of them.
 */
export interface Horizon {
  readonly upTo: number;
  /** The next horizon, which applies once all transactions up to this one have ended. */
  readonly next: { readonly upTo: number; readonly transaction: number } | undefined;
}

export const NOTHING_DONE: Horizon = { upTo: 0, next: undefined };

/** The result of a query for messages after the horizon, all of which are published by now. */
export interface Look {
  /** The last message's number. */
  readonly lastId: number;
  /** Whether the query reached its limit, so that there may be more messages. */
  readonly isCut: boolean;
  /** All transactions before this one had ended at the time of the query. */
  readonly oldestRunning: number;
  /** Whether the query left out blocked keys, whose unpublished messages can have any number. */
  readonly isAnyBlocked: boolean;
  /** The transaction that marked the messages published; it began to write after the query. */
  readonly marking: number;
}

/**
 * The horizon after a query. Numbers are assigned in order, but transactions commit in any order: a message with a smaller
 * number than one that was seen belongs to a transaction that had begun by then. Once all of those transactions have ended,
 * a query sees every message up to that number that will ever exist.
 */
export function horizonAfter({ upTo, next }: Horizon, look: Look): Horizon {
  if (look.isAnyBlocked) return { upTo, next };
  const isSettled = next !== undefined && look.oldestRunning > next.transaction;
  const seenUpTo = Math.min(isSettled ? next.upTo : upTo, look.isCut ? look.lastId : Number.POSITIVE_INFINITY);
  return {
    upTo: Math.max(upTo, seenUpTo),
    next: next && !isSettled ? next : { upTo: look.lastId, transaction: look.marking },
  };
}
