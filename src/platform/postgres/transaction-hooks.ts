import { isKeyed, keepAnswer } from '../idempotency/answers.ts';
import type { Wake } from '../jobs/wake.ts';
import type { Connections, Database, Transaction } from './database.ts';

/** The hooks that one run of a transaction has registered. */
interface Hooks {
  readonly before: Map<string, () => Promise<void>>;
  readonly after: Map<string, () => Promise<void> | void>;
  readonly wakes: Set<string>;
}

/**
 * Adds `beforeCommit`, `afterCommit` and `wake` to transactions. A transaction that runs again starts without the hooks of
 * its earlier run, so a run that was rolled back has no effect. `transaction` resolves when the effects have ended.
 * `onEffectError` is called when an effect after a commit fails; the commit stays.
 */
export function withHooks(
  connections: Connections,
  {
    wake,
    traceparent,
    onEffectError,
  }: {
    readonly wake: Wake;
    readonly traceparent: () => string | undefined;
    readonly onEffectError: (error: unknown) => void;
  },
): Database {
  return {
    ...connections,
    wake,
    traceparent,
    isKeyed,
    async transaction(work) {
      let hooks = noHooks();
      const result = await connections.transaction(async (executor) => {
        hooks = noHooks();
        const { before, after, wakes } = hooks;
        const tx = {
          currency: connections.currency,
          rows: (statement, values) => executor.rows(statement, values),
          traceparent,
          wake: (name) => void wakes.add(name),
          beforeCommit: (key, prepare) => void before.set(key, prepare),
          afterCommit: (key, effect) => void after.set(key, effect),
          keepAnswer: (result) => keepAnswer(tx, result),
        } as Transaction;
        const done = await work(tx);
        for (const prepare of before.values()) await prepare();
        return done;
      });
      for (const name of hooks.wakes) wake(name);
      const effects = await Promise.allSettled([...hooks.after.values()].map(async (effect) => effect()));
      for (const effect of effects) if (effect.status === 'rejected') onEffectError(effect.reason);
      return result;
    },
  };
}

function noHooks(): Hooks {
  return { before: new Map(), after: new Map(), wakes: new Set() };
}
