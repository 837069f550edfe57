import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { demandAdmin, type Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Receipt } from '../../platform/postgres/receipt.ts';
import { type StuckRow, stuckPayments, tryAgain } from './stuck.store.ts';

/** What administrators do about money that is stuck. */
export interface StuckPayments {
  /** The oldest first, at most 200. Throws `forbidden`. */
  list(who: Principal): Promise<StuckRow[]>;
  /** Tries one again, at once. Throws `forbidden`, `payment_not_stuck`. */
  tryAgain(id: string, who: Principal, receipt: Receipt<void> | undefined): Promise<void>;
}

export interface StuckPaymentsOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** There is something to do at once. */
  readonly onRetry: () => void;
}

const MAX_LISTED = 200;

export function createStuckPayments({ database, clock, onRetry }: StuckPaymentsOptions): StuckPayments {
  return {
    async list(who) {
      demandAdmin(who);
      return stuckPayments(database, MAX_LISTED);
    },
    async tryAgain(id, who, receipt) {
      demandAdmin(who);
      await database.transaction(async (tx) => {
        if (!(await tryAgain(tx, id, clock.now()))) {
          throw new AppError('payment_not_stuck', 'Nothing by this id is stuck.');
        }
        await receipt?.keep(tx, undefined);
      });
      onRetry();
    },
  };
}
