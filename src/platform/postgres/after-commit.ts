import type { Database, Transaction } from './database.ts';

/** A database whose transactions can have something told once they are committed, and never when they are not. */
export interface CommitTeller {
  readonly database: Database;
  /** Within a transaction of `database`. A transaction that is run again tells of its last run only. */
  afterCommit(tx: Transaction, tell: () => void): void;
}

export function tellAfterCommit(database: Database): CommitTeller {
  const untold = new WeakMap<Transaction, (() => void)[]>();
  return {
    afterCommit: (tx, tell) => void untold.get(tx)?.push(tell),
    database: {
      ...database,
      async transaction(work) {
        let tells: (() => void)[] = [];
        const result = await database.transaction((tx) => {
          tells = [];
          untold.set(tx, tells);
          return work(tx);
        });
        for (const tell of tells) tell();
        return result;
      },
    },
  };
}
