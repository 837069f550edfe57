import type { Executor } from './database.ts';

/**
 * Proof that a request was carried out: whoever makes the change keeps it in the same transaction, so that the same
 * request sent again finds either both or neither. A use case takes it as its last argument, undefined when the caller
 * asked for none.
 */
export interface Receipt<Result> {
  /** Throws `request_in_flight` when another took this request over meanwhile: the transaction then must not commit. */
  keep(executor: Executor, result: Result): Promise<void>;
}
