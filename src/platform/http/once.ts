import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { later } from '../../kernel/clock.ts';
import { AppError, type Errors } from '../../kernel/errors.ts';
import type { Core } from '../core.ts';
import type { Feature } from '../feature.ts';
import { answerOnce, requestInFlight } from '../idempotency/answers.ts';
import { idempotencyChecks } from '../idempotency/checks.store.ts';
import {
  claimKey,
  findKey,
  forgetKeys,
  type KeptAnswer,
  type KeyedRequest,
  keepAnswer,
  letGoOfKey,
} from '../idempotency/idempotency.store.ts';
import { principalOf } from './authentication.ts';
import { PROBLEM_MEDIA_TYPE, toProblem } from './problem.ts';

/** What a route answers when its use case has succeeded. */
export interface Success<Result, Body> {
  readonly status: number;
  /** The body; null for none. */
  readonly body: (result: Result) => Body;
}

/**
 * Lets a request that changes something be sent again without harm. With an `Idempotency-Key` the first answer, a
 * refusal included, is repeated for 24 hours. An answer that says "try again" is not kept.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export interface Once extends Feature {
  /**
   * Carries out `work` and gives its body, or repeats the answer and gives nothing more to send. The transaction of its
   * change calls `keepAnswer`.
   */
  answer<Result, Body>(
    request: FastifyRequest,
    reply: FastifyReply,
    success: Success<Result, Body>,
    work: () => Promise<Result>,
  ): Promise<Body | undefined>;
}

const KEY_LIFE_MS = 86_400_000;
/** A worker that died is followed by another after this; one that is only slow can then no longer commit. */
const CLAIM_MS = 20_000;
/** The first HTTP status of a refusal. */
const CLIENT_FAULT = 400;
const FORGET_EVERY_MS = 60_000;
const FORGET_BATCH = 10_000;
const KEY_FORM = /^[\x21-\x7e]{1,255}$/;

/** Builds it. Its job removes keys that are older than their life. */
export function createOnce(
  { database, clock, ids }: Pick<Core, 'database' | 'clock' | 'ids'>,
  errors: Errors,
): Once {
  async function claim(request: KeyedRequest): Promise<KeptAnswer | undefined> {
    const now = clock.now();
    const isOurs = await claimKey(database, request, now, later(now, CLAIM_MS), later(now, -KEY_LIFE_MS));
    if (isOurs) return undefined;
    const known = await findKey(database, request);
    if (known && known.fingerprint !== request.fingerprint) {
      throw new AppError(
        'idempotency_key_reused',
        'This Idempotency-Key was sent with another request. Use a new key for a new request.',
      );
    }
    if (!known || known.status === null) throw requestInFlight();
    return { status: known.status, body: known.body ?? undefined };
  }

  /** A refusal is an answer like another; what may succeed when it is tried again is not. */
  async function settleRefusal(request: KeyedRequest, error: unknown): Promise<void> {
    const facts = error instanceof AppError ? errors[error.code] : undefined;
    if (error instanceof AppError && facts && !facts.retry) {
      const body = JSON.stringify(toProblem(error, facts));
      await keepAnswer(database, request, { status: facts.status, body });
    } else {
      await letGoOfKey(database, request);
    }
  }

  async function forgetOld(): Promise<boolean> {
    const forgotten = await forgetKeys(database, later(clock.now(), -KEY_LIFE_MS), FORGET_BATCH);
    return forgotten === FORGET_BATCH;
  }

  return {
    async answer<Result, Body>(
      request: FastifyRequest,
      reply: FastifyReply,
      success: Success<Result, Body>,
      work: () => Promise<Result>,
    ) {
      const key = keyOf(request);
      reply.code(success.status);
      if (key === undefined) return success.body(await work());
      const { userId } = principalOf(request);
      const keyed = { userId, key, fingerprint: fingerprintOf(request), claim: ids.uuid() };
      const kept = await claim(keyed);
      if (kept) {
        await repeat(reply, kept);
        return undefined;
      }
      try {
        return success.body(await answerOnce(database, keyed, answerFor(success), work));
      } catch (error) {
        // The one who asked hears of the refusal itself; that it could not be kept costs a second try.
        await settleRefusal(keyed, error).catch(() => undefined);
        throw error;
      }
    },
    jobs: [{ name: 'keyForgetting', everyMs: FORGET_EVERY_MS, turn: forgetOld }],
    checks: idempotencyChecks,
  };
}

function answerFor<Result, Body>({ status, body: toBody }: Success<Result, Body>) {
  return (result: Result): KeptAnswer => {
    const body = toBody(result);
    return { status, body: body === null ? undefined : JSON.stringify(body) };
  };
}

function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = Array.isArray(header) ? header.join() : header;
  if (KEY_FORM.test(key)) return key;
  const reason = 'must be 1 to 255 visible ASCII characters';
  throw new AppError('invalid_request', `Idempotency-Key: ${reason}`, {
    fields: [{ field: 'headers/idempotency-key', reason }],
  });
}

function fingerprintOf(request: FastifyRequest): string {
  const asked = JSON.stringify([request.method, request.url, request.body ?? null]);
  return createHash('sha256').update(asked).digest('base64url');
}

function repeat(reply: FastifyReply, { status, body }: KeptAnswer): FastifyReply {
  reply.code(status).header('idempotent-replayed', 'true');
  if (body === undefined) return reply.send(null);
  const isProblem = status >= CLIENT_FAULT;
  const type = isProblem ? PROBLEM_MEDIA_TYPE : 'application/json; charset=utf-8';
  return reply
    .header('content-type', type)
    .serializer((text: unknown) => String(text))
    .send(body);
}
