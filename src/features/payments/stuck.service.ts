import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { demandAdmin, type Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { type StuckRow, stuckPayments, tryAgain } from './stuck.store.ts';

/** What administrators do about money that is stuck. */
export interface StuckPayments {
  /** The oldest first, at most 200. Throws `forbidden`. */
  list(who: Principal): Promise<StuckRow[]>;
  /** Tries one again, at once. Throws `forbidden`, `payment_not_stuck`. */
  tryAgain(id: string, who: Principal): Promise<void>;
}

export interface StuckPaymentsOptions {
  readonly database: Database;
  readonly clock: Clock;
}

const MAX_LISTED = 200;

export function createStuckPayments({ database, clock }: StuckPaymentsOptions): StuckPayments {
  return {
    async list(who) {
      demandAdmin(who);
      return stuckPayments(database, MAX_LISTED);
    },
    async tryAgain(id, who) {
      demandAdmin(who);
      await database.transaction(async (tx) => {
        if (!(await tryAgain(tx, id, clock.now()))) {
          throw new AppError('payment_not_stuck', 'Nothing by this id is stuck.');
        }
        tx.keepAnswer(undefined);
      });
    },
  };
}
