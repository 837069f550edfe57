import { AsyncLocalStorage } from 'node:async_hooks';
import { AppError } from '../../kernel/errors.ts';
import type { Executor, Transaction } from '../postgres/database.ts';
import { type KeptAnswer, type KeyedRequest, keepAnswer as storeAnswer } from './idempotency.store.ts';

/** A request with an `Idempotency-Key` that is being worked on. */
interface Keyed {
  readonly request: KeyedRequest;
  /** The answer that a result of the use case becomes. */
  readonly toAnswer: (result: unknown) => KeptAnswer;
  isKept: boolean;
}

const current = new AsyncLocalStorage<Keyed>();

/**
 * Carries out `work` for a request with a key: its answer is stored by the transaction that calls `keepAnswer`, or on its
 * own when none did. Throws `request_in_flight` when another worker took the request over: then nothing is committed.
 */
export async function answerOnce<Result>(
  executor: Executor,
  request: KeyedRequest,
  toAnswer: (result: Result) => KeptAnswer,
  work: () => Promise<Result>,
): Promise<Result> {
  const keyed: Keyed = { request, toAnswer: toAnswer as (result: unknown) => KeptAnswer, isKept: false };
  const result = await current.run(keyed, work);
  if (!keyed.isKept) await store(executor, keyed, result);
  return result;
}

/** What `Transaction.keepAnswer` does. */
export function keepAnswer(tx: Transaction, result: unknown): void {
  const keyed = current.getStore();
  if (!keyed) return;
  tx.beforeCommit('answer', () => store(tx, keyed, result));
  tx.afterCommit('answer', () => {
    keyed.isKept = true;
  });
}

/** Whether the request under way has a key. */
export function isKeyed(): boolean {
  return current.getStore() !== undefined;
}

async function store(executor: Executor, { request, toAnswer }: Keyed, result: unknown): Promise<void> {
  if (await storeAnswer(executor, request, toAnswer(result))) return;
  throw requestInFlight();
}

export function requestInFlight(): AppError {
  return new AppError(
    'request_in_flight',
    'A request with this Idempotency-Key is being worked on. Ask again shortly.',
  );
}
