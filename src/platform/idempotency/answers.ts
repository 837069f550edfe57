import { AsyncLocalStorage } from 'node:async_hooks';
import { AppError } from '../../kernel/errors.ts';
import type { Executor, Transaction } from '../postgres/database.ts';
import { type KeptAnswer, type KeyedRequest, keepAnswer as storeAnswer } from './idempotency.store.ts';

/** A request with an `Idempotency-Key` that is being processed. */
interface Keyed {
  readonly request: KeyedRequest;
  /** Converts the result of the use case to the stored answer. */
  readonly toAnswer: (result: unknown) => KeptAnswer;
  isKept: boolean;
}

const current = new AsyncLocalStorage<Keyed>();

/**
 * Runs `work` for a request with a key. The answer is stored by the transaction that calls `keepAnswer`, or afterwards if
 * none did. Throws `request_in_flight`, and commits nothing, when another worker has taken over the request.
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

/** Implements `Transaction.keepAnswer`. */
export function keepAnswer(tx: Transaction, result: unknown): void {
  const keyed = current.getStore();
  if (!keyed) return;
  tx.beforeCommit('answer', () => store(tx, keyed, result));
  tx.afterCommit('answer', () => {
    keyed.isKept = true;
  });
}

/** Whether the current request has a key. */
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
