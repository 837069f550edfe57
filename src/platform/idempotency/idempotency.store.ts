import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { Executor } from '../postgres/database.ts';

/** A request with an `Idempotency-Key`, and the worker that processes it. */
export interface KeyedRequest {
  readonly userId: UserId;
  readonly key: string;
  /** Hash of the request as it was sent. */
  readonly fingerprint: string;
  /** Hash of the request with the members of its JSON in order. */
  readonly fingerprintInOrder: string;
  /** Identifies the worker; new for each attempt. */
  readonly claim: string;
}

export interface KeptAnswer {
  readonly status: number;
  /** JSON text; undefined for an answer without a body. */
  readonly body: string | undefined;
}

/** The stored state of a key: the request that has it, and the answer once there is one. */
export interface KeyState {
  readonly fingerprint: string;
  /** Null for a key of the release before. */
  readonly fingerprint_in_order: string | null;
  readonly status: number | null;
  readonly body: string | null;
}

const CLAIM = {
  name: 'idempotency-claim',
  text: `INSERT INTO idempotency_keys AS k (user_id, key, fingerprint, claim, created_at, claimed_until, fingerprint_in_order)
         VALUES ($1, $2, $3, $4, $5::timestamptz, $6::timestamptz, $8)
         ON CONFLICT (user_id, key) DO UPDATE
            SET fingerprint = EXCLUDED.fingerprint, claim = EXCLUDED.claim, created_at = EXCLUDED.created_at,
                claimed_until = EXCLUDED.claimed_until, fingerprint_in_order = EXCLUDED.fingerprint_in_order,
                status = NULL, body = NULL
          WHERE k.created_at <= $7::timestamptz
             OR (k.status IS NULL AND k.claimed_until <= $5::timestamptz
                 AND (k.fingerprint = EXCLUDED.fingerprint OR k.fingerprint_in_order = EXCLUDED.fingerprint_in_order))
         RETURNING claim`,
};

/**
 * Claims a key for this request until `until`: a new key, a key first seen before `forgottenBefore`, or a key whose worker
 * crashed. False when another request or worker has the key, or when it has been answered.
 */
export async function claimKey(
  executor: Executor,
  request: KeyedRequest,
  now: Instant,
  until: Instant,
  forgottenBefore: Instant,
): Promise<boolean> {
  const rows = await executor.rows(CLAIM, [
    request.userId,
    request.key,
    request.fingerprint,
    request.claim,
    toRfc3339(now),
    toRfc3339(until),
    toRfc3339(forgottenBefore),
    request.fingerprintInOrder,
  ]);
  return rows.length > 0;
}

const FIND = {
  name: 'idempotency-find',
  text: 'SELECT fingerprint, fingerprint_in_order, status, body FROM idempotency_keys WHERE user_id = $1 AND key = $2',
};

export async function findKey(
  executor: Executor,
  { userId, key }: Pick<KeyedRequest, 'userId' | 'key'>,
): Promise<KeyState | undefined> {
  const [row] = await executor.rows<KeyState>(FIND, [userId, key]);
  return row;
}

/** The first HTTP status of a refusal. */
export const CLIENT_FAULT = 400;
/** Stored refusals of a user. They have no effect that a repeated request could have twice, and cost nothing to cause. */
const MAX_REFUSALS = 50;
/** Stored answers of a user to what succeeded. */
const MAX_SUCCESSES = 1_000;

const KEEP = {
  name: 'idempotency-keep',
  text: `WITH counted AS (
           SELECT key, status >= $6 AS is_refusal,
                  row_number() OVER (PARTITION BY status >= $6 ORDER BY created_at DESC) AS place
             FROM idempotency_keys WHERE user_id = $1 AND key <> $2 AND status IS NOT NULL),
         excess AS (
           SELECT key FROM idempotency_keys
            WHERE user_id = $1
              AND key IN (SELECT key FROM counted WHERE place >= CASE WHEN is_refusal THEN $7::int ELSE $8::int END)
              FOR UPDATE SKIP LOCKED),
         trimmed AS (DELETE FROM idempotency_keys WHERE user_id = $1 AND key IN (SELECT key FROM excess))
         UPDATE idempotency_keys SET status = $4, body = $5
          WHERE user_id = $1 AND key = $2 AND claim = $3 AND status IS NULL RETURNING key`,
};

/** Stores the answer, and removes the user's oldest ones above the bounds. False when another worker has taken over the key. */
export async function keepAnswer(
  executor: Executor,
  { userId, key, claim }: KeyedRequest,
  { status, body }: KeptAnswer,
): Promise<boolean> {
  const rows = await executor.rows(KEEP, [
    ...[userId, key, claim, status, body ?? null],
    ...[CLIENT_FAULT, MAX_REFUSALS, MAX_SUCCESSES],
  ]);
  return rows.length > 0;
}

const RELEASE = {
  name: 'idempotency-let-go',
  text: 'DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND claim = $3 AND status IS NULL',
};

/** Releases a key without an answer, so that the same request can be tried again. */
export async function releaseKey(executor: Executor, { userId, key, claim }: KeyedRequest): Promise<void> {
  await executor.rows(RELEASE, [userId, key, claim]);
}

const FORGET = {
  name: 'idempotency-forget',
  text: `DELETE FROM idempotency_keys WHERE (user_id, key) IN (
           SELECT user_id, key FROM idempotency_keys WHERE created_at <= $1::timestamptz ORDER BY created_at LIMIT $2)
         RETURNING key`,
};

/** Removes at most `limit` keys first seen before `before`, and returns the number removed. */
export async function forgetKeys(executor: Executor, before: Instant, limit: number): Promise<number> {
  return (await executor.rows(FORGET, [toRfc3339(before), limit])).length;
}
