import type { IncomingMessage, ServerResponse } from 'node:http';
import { MS_PER_SECOND } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { platformErrors } from '../errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { principalOf } from './authentication.ts';
import { FairLine } from './fair-line.ts';
import { problemHeaders, toProblem } from './problem.ts';
import { expectedWaitMs, fullSince, type Pace, served, UNKNOWN_PACE } from './queue.rules.ts';
import { type HttpServer, MAX_BODY_BYTES, pathOf, type Shed } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requests of the route wait in the queue, and are shed when the expected wait is too long. */
    readonly queued?: true;
  }
}

/** Each waiting request holds a connection and its parsed body: the bound is what memory allows. */
const MAX_WAITING = 10_000;
const MAX_WAITING_OF_A_CALLER = 100;
/** One part in so many of the places stays free of each caller's requests, so that another caller's first one need not wait. */
const PARTS_FOR_OTHERS = 4;
/** The queue may empty as soon as its cause disappears, however long that took, so clients retry within this. */
const MAX_RETRY_AFTER_S = 10;

interface QueueLimits {
  /** Requests that are handled at the same time. */
  readonly places: number;
  /** Maximum queueing time; requests that would wait longer get 503 at once. */
  readonly maxWaitMs: number;
}

/**
 * Puts a queue before the routes of the scope that are marked `queued`, which callers leave in turns. A request takes a place
 * after its token and body have been checked, so a body that arrives slowly occupies no place, and keeps it for exactly as
 * long as its handler works. The returned function refuses requests with `overloaded` before any other work is done for
 * them if they would wait too long: in an overload, most of the work is to refuse. Register the queue before the routes.
 */
export function queueRequests(
  scope: HttpServer,
  limits: QueueLimits,
  metrics: Pick<Metrics, 'shed' | 'waiting'>,
): Shed {
  const queue = new Queue(limits, metrics);
  const queued = new Set<string>();
  scope.addHook('onRoute', (route) => {
    if (!route.config?.queued) return;
    for (const method of [route.method].flat()) queued.add(`${method} ${route.url}`).add(`${method} ${route.url}/`);
    const { handler } = route;
    route.handler = async function enter(request, reply) {
      const leave = await queue.enter(reply.raw, principalOf(request).userId);
      try {
        return await handler.call(this, request, reply);
      } finally {
        leave();
      }
    };
  });
  let prepared: ReturnType<typeof prepare> | undefined;
  return (request, response) => {
    if (!queue.isFull() || !queued.has(`${request.method} ${pathOf(request)}`)) return false;
    const error = queue.refusal();
    if (!error) return false;
    if (prepared?.error !== error) prepared = prepare(error);
    if (isBodyLong(request)) response.setHeader('connection', 'close');
    response.writeHead(platformErrors.overloaded.status, prepared.headers).end(prepared.body);
    return true;
  };
}

/** The serialised answer of an error. */
function prepare(error: AppError) {
  const body = JSON.stringify(toProblem(error, platformErrors.overloaded));
  const headers = problemHeaders(error, platformErrors.overloaded);
  return { error, body, headers: { ...headers, 'content-length': `${Buffer.byteLength(body)}` } };
}

/** A refused request's body must be read to keep its connection. Bodies above the limit are not worth that. */
function isBodyLong({ headers }: IncomingMessage): boolean {
  return !(Number(headers['content-length']) <= MAX_BODY_BYTES);
}

/**
 * The places, the requests that wait for one, and the pace at which places become free. A request enters at once while a
 * place is free for its caller; otherwise it waits until a place is handed to it, its time is up, or its client disconnects.
 */
class Queue {
  readonly #limits: QueueLimits;
  readonly #metrics: Pick<Metrics, 'shed' | 'waiting'>;
  /** Most places of one caller. */
  readonly #placesOfCaller: number;
  /** For each waiting request, the function that hands it a place. */
  readonly #line = new FairLine<() => void>();
  readonly #takenBy = new Map<string, number>();
  #taken = 0;
  #pace: Pace = UNKNOWN_PACE;
  /** One error object for all refusals with the same wait: capturing its stack would cost a seventh of each refusal. */
  #refusal: AppError | undefined;

  constructor(limits: QueueLimits, metrics: Pick<Metrics, 'shed' | 'waiting'>) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#placesOfCaller = limits.places - Math.floor(limits.places / PARTS_FOR_OTHERS);
  }

  /** Takes a place, and resolves with the function that leaves it. Throws `overloaded`. */
  async enter(response: ServerResponse, caller: string): Promise<() => void> {
    if (this.#isFree(caller)) this.#take(caller);
    else {
      const refused = this.refusal(caller);
      if (refused) throw refused;
      await this.#wait(response, caller);
    }
    const fromMs = performance.now();
    return () => this.#leave(caller, performance.now() - fromMs);
  }

  isFull(): boolean {
    return this.#taken === this.#limits.places;
  }

  /**
   * The error for a request that would not be served in time if it arrived now; undefined when it would be. Without a caller
   * it is about one who has no request here.
   */
  refusal(caller?: string): AppError | undefined {
    const waitMs = this.#expectedMs(caller);
    const isHopeless = this.#line.size >= MAX_WAITING || waitMs > this.#limits.maxWaitMs;
    return isHopeless ? this.#overloaded(waitMs) : undefined;
  }

  #isFree(caller: string): boolean {
    return !this.isFull() && (this.#takenBy.get(caller) ?? 0) < this.#placesOfCaller;
  }

  #take(caller: string): void {
    this.#taken += 1;
    this.#takenBy.set(caller, (this.#takenBy.get(caller) ?? 0) + 1);
    if (!this.#isFree(caller)) this.#pace = fullSince(this.#pace, performance.now());
  }

  #expectedMs(caller?: string): number {
    const { places } = this.#limits;
    const nowMs = performance.now();
    const inTurnMs = this.isFull() ? expectedWaitMs(this.#pace, places, this.#line.ahead(caller), nowMs) : 0;
    if (caller === undefined) return inTurnMs;
    const ownMs = expectedWaitMs(this.#pace, this.#placesOfCaller, this.#line.countOf(caller), nowMs);
    return Math.max(inTurnMs, ownMs);
  }

  #overloaded(waitMs: number): AppError {
    this.#metrics.shed();
    const seconds = Math.ceil(waitMs / MS_PER_SECOND);
    const retryAfterS = Math.min(MAX_RETRY_AFTER_S, Math.max(1, seconds));
    if (this.#refusal?.extra.retryAfterS !== retryAfterS) {
      const detail = 'Too many orders are being placed right now. Try again shortly.';
      this.#refusal = new AppError('overloaded', detail, { retryAfterS });
    }
    return this.#refusal;
  }

  #wait(response: ServerResponse, caller: string): Promise<void> {
    this.#requireFew(caller);
    const place = Promise.withResolvers<void>();
    // Synchronous: a place must never be handed to a request that no longer waits.
    const stopWaiting = () => {
      clearTimeout(timer);
      response.removeListener('close', giveUp);
      this.#line.remove(caller, enter);
      this.#metrics.waiting(this.#line.size);
    };
    const enter = () => {
      stopWaiting();
      place.resolve();
    };
    const giveUp = () => {
      stopWaiting();
      place.reject(new AppError('overloaded', 'The client has disconnected.'));
    };
    const timer = setTimeout(() => {
      stopWaiting();
      place.reject(this.#overloaded(this.#expectedMs(caller)));
    }, this.#limits.maxWaitMs);
    response.once('close', giveUp);
    this.#line.add(caller, enter);
    this.#metrics.waiting(this.#line.size);
    if (response.destroyed) giveUp();
    return place.promise;
  }

  #requireFew(caller: string): void {
    if (this.#line.countOf(caller) < MAX_WAITING_OF_A_CALLER) return;
    this.#metrics.shed();
    const detail = `${MAX_WAITING_OF_A_CALLER} of your orders are waiting already. Send fewer at a time.`;
    throw new AppError('overloaded', detail, { retryAfterS: 1 });
  }

  #leave(caller: string, tookMs: number): void {
    this.#pace = served(this.#pace, tookMs, performance.now());
    this.#taken -= 1;
    const left = (this.#takenBy.get(caller) ?? 1) - 1;
    if (left === 0) this.#takenBy.delete(caller);
    else this.#takenBy.set(caller, left);
    const next = this.#line.next((waiting) => this.#isFree(waiting));
    if (!next) return;
    this.#take(next.caller);
    next.item();
  }
}
