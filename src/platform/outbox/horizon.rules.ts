/**
 * Up to where the outbox is done with: every message with such a number is published, and none can appear any more. What
 * is published stays in the index of what is not until the next vacuum, so a look that begins here passes little of it.
 */
export interface Horizon {
  readonly upTo: number;
  /** How far it may move once all transactions up to this one have ended. */
  readonly next: { readonly upTo: number; readonly transaction: number } | undefined;
}

export const NOTHING_DONE: Horizon = { upTo: 0, next: undefined };

/** What a look at the messages after the horizon saw, all of which are published now. */
export interface Look {
  /** The last message's number. */
  readonly lastId: number;
  /** Whether there may be more than it saw. */
  readonly isCut: boolean;
  /** All transactions before this one had ended when it looked. */
  readonly oldestRunning: number;
  /** Whether it left out keys that wait: messages of theirs, also such as come late, are then anywhere. */
  readonly isAnyBlocked: boolean;
  /** The transaction that marked them published, which began to write after the look. */
  readonly marking: number;
}

/**
 * The horizon after a look. Numbers are handed out in order, but transactions end in any: whatever has a smaller number than
 * one that was seen belongs to a transaction that had begun by then. Once those have all ended, a look sees everything up to
 * that number that will ever be there.
 */
export function horizonAfter({ upTo, next }: Horizon, look: Look): Horizon {
  if (look.isAnyBlocked) return { upTo, next };
  const isSettled = next !== undefined && look.oldestRunning > next.transaction;
  const seenUpTo = Math.min(
    isSettled ? next.upTo : upTo,
    look.isCut ? look.lastId : Number.POSITIVE_INFINITY,
  );
  return {
    upTo: Math.max(upTo, seenUpTo),
    next: next && !isSettled ? next : { upTo: look.lastId, transaction: look.marking },
  };
}
