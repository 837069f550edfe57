import type { FastifyReply, FastifyRequest } from 'fastify';
import { later, MS_PER_DAY, MS_PER_MINUTE } from '../../kernel/clock.ts';
import { AppError, type Errors } from '../../kernel/errors.ts';
import type { Core } from '../core.ts';
import type { Feature, Job } from '../feature.ts';
import { answerOnce, requestInFlight } from '../idempotency/answers.ts';
import { fingerprintAsSent, fingerprintInOrder } from '../idempotency/fingerprint.ts';
import {
  CLIENT_FAULT,
  claimKey,
  findKey,
  forgetKeys,
  type KeptAnswer,
  type KeyedRequest,
  type KeyState,
  keepAnswer,
  releaseKey,
} from '../idempotency/idempotency.store.ts';
import { principalOf } from './authentication.ts';
import { PROBLEM_MEDIA_TYPE, toProblem } from './problem.ts';

/** The answer of a route when its use case succeeds. */
export interface Success<Result, Body> {
  readonly status: number;
  /** The body; null for none. */
  readonly body: (result: Result) => Body;
  /** Set for a body with a secret, which is not stored. */
  readonly secret?: {
    /** The body that is stored. */
    readonly hide: (body: Body) => Body;
    /** The body that was hidden, for a repeated request. */
    readonly restore: (stored: Body) => Promise<Body>;
  };
}

const KEY_LIFE_MS = MS_PER_DAY;
/** A request whose worker crashed can be repeated after this; a worker that is only slow can then no longer commit. */
const CLAIM_MS = 20_000;
const FORGET_EVERY_MS = MS_PER_MINUTE;
const FORGET_BATCH = 10_000;
const REPLAYED = 'idempotent-replayed';
const KEY_FORM = /^[\x21-\x7e]{1,255}$/;

/**
 * Lets clients repeat a request that changes something. With an `Idempotency-Key` the first answer, also a refusal, is
 * repeated for 24 hours. An answer that says "try again" is not stored. Each user has a bounded number of stored answers.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export class Once implements Feature {
  readonly #core: Pick<Core, 'database' | 'clock' | 'ids'>;
  readonly #errors: Errors;
  /** Removes expired keys. */
  readonly jobs: readonly Job[] = [{ name: 'keyForgetting', everyMs: FORGET_EVERY_MS, turn: () => this.#forgetOld() }];

  constructor(core: Pick<Core, 'database' | 'clock' | 'ids'>, errors: Errors) {
    this.#errors = errors;
    this.#core = core;
  }

  /**
   * Runs `work` and returns the body of its answer, or sends the stored answer and returns undefined. The transaction of the
   * change calls `keepAnswer`.
   */
  async answer<Result, Body>(
    request: FastifyRequest,
    reply: FastifyReply,
    success: Success<Result, Body>,
    work: () => Promise<Result>,
  ): Promise<Body | undefined> {
    const key = keyOf(request);
    reply.code(success.status);
    if (key === undefined) return success.body(await work());
    const { userId } = principalOf(request);
    const keyed = {
      userId,
      key,
      fingerprint: fingerprintAsSent(request),
      fingerprintInOrder: fingerprintInOrder(request),
      claim: this.#core.ids.uuid(),
    };
    const stored = await this.#claim(keyed);
    if (stored?.body !== undefined && success.secret && stored.status === success.status) {
      reply.header(REPLAYED, 'true');
      return success.secret.restore(JSON.parse(stored.body) as Body);
    }
    if (stored) {
      await repeat(reply, stored);
      return undefined;
    }
    try {
      return success.body(await answerOnce(this.#core.database, keyed, answerFor(success), work));
    } catch (error) {
      // The caller gets the refusal itself. If it cannot be stored, a repeated request runs again.
      await this.#settleRefusal(keyed, error).catch(() => undefined);
      throw error;
    }
  }

  /** True when there may be more expired keys. */
  async #forgetOld(): Promise<boolean> {
    const expired = later(this.#core.clock.now(), -KEY_LIFE_MS);
    return (await forgetKeys(this.#core.database, expired, FORGET_BATCH)) === FORGET_BATCH;
  }

  /** Claims the key for this request; returns the stored answer when the request was answered before. */
  async #claim(request: KeyedRequest): Promise<KeptAnswer | undefined> {
    const { database, clock } = this.#core;
    const now = clock.now();
    if (await claimKey(database, request, now, later(now, CLAIM_MS), later(now, -KEY_LIFE_MS))) return undefined;
    const known = await findKey(database, request);
    if (known && !isSame(known, request)) {
      throw new AppError(
        'idempotency_key_reused',
        'This Idempotency-Key was sent with another request. Use a new key for a new request.',
      );
    }
    if (!known || known.status === null) throw requestInFlight();
    return { status: known.status, body: known.body ?? undefined };
  }

  /** Stores a refusal as the answer, or releases the key when a retry may succeed. */
  async #settleRefusal(request: KeyedRequest, error: unknown): Promise<void> {
    const facts = error instanceof AppError ? this.#errors[error.code] : undefined;
    if (error instanceof AppError && facts && !facts.retry) {
      const answer = { status: facts.status, body: JSON.stringify(toProblem(error, facts)) };
      await keepAnswer(this.#core.database, request, answer);
    } else {
      await releaseKey(this.#core.database, request);
    }
  }
}

function isSame(known: KeyState, request: KeyedRequest): boolean {
  return known.fingerprint === request.fingerprint || known.fingerprint_in_order === request.fingerprintInOrder;
}

/** Converts the result of a use case to the answer that is stored. */
function answerFor<Result, Body>({ status, body: toBody, secret }: Success<Result, Body>) {
  return (result: Result): KeptAnswer => {
    const body = toBody(result);
    return { status, body: body === null ? undefined : JSON.stringify(secret ? secret.hide(body) : body) };
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

function repeat(reply: FastifyReply, { status, body }: KeptAnswer): FastifyReply {
  reply.code(status).header(REPLAYED, 'true');
  if (body === undefined) return reply.send(null);
  const isProblem = status >= CLIENT_FAULT;
  const type = isProblem ? PROBLEM_MEDIA_TYPE : 'application/json; charset=utf-8';
  return reply
    .header('content-type', type)
    .serializer((text: unknown) => String(text))
    .send(body);
}
