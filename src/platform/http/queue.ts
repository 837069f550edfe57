import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { MS_PER_SECOND } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { platformErrors } from '../errors.ts';
import { problemHeaders, toProblem } from './problem.ts';
import { expectedWaitMs, fullSince, type Pace, served, UNKNOWN_PACE } from './queue.rules.ts';
import { type HttpServer, MAX_BODY_BYTES, type Shed } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its requests wait for one of the places of the queue, and are shed when that would take too long. */
    readonly queued?: true;
  }
}

export interface QueueOptions {
  /** Requests that are worked on at the same time. */
  readonly places: number;
  /** Nobody waits longer for a place, and who would have to is told so at once. */
  readonly maxWaitMs: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Who asks; nobody fills the queue alone. */
  readonly callerOf: (request: FastifyRequest) => string;
  /** Told of each request that was shed. */
  readonly onShed: () => void;
  /** Told whenever another number of requests waits. */
  readonly onWaiting: (count: number) => void;
}

interface Waiter {
  readonly enter: () => void;
}

/** Each holds a connection and its parsed body: what memory can bear, whatever the pace promises. */
const MAX_WAITING = 10_000;
const MAX_WAITING_OF_A_CALLER = 100;
/** The queue is free as soon as what holds it up lets go, however long that took. */
const MAX_RETRY_AFTER_S = 10;

/**
 * Puts a queue, first come first served, before the routes of the scope that say `queued`. A place is taken after token
 * and body were looked at, so that a body that comes slowly keeps nobody from one, and is held exactly as long as the
 * handler works. What is returned refuses, with `overloaded` and before anything else is done for them, those who would
 * wait too long: when there are far too many, most of the work is to say so. Register it before the routes.
 */
export function queueRequests(scope: HttpServer, options: QueueOptions): Shed {
  const queue = createQueue(options);
  const queued = new Set<string>();
  scope.addHook('onRoute', (route) => {
    if (!route.config?.queued) return;
    for (const method of [route.method].flat())
      queued.add(`${method} ${route.url}`).add(`${method} ${route.url}/`);
    const { handler } = route;
    route.handler = async function enter(request, reply) {
      const leave = await queue.enter(reply.raw, options.callerOf(request));
      try {
        return await handler.call(this, request, reply);
      } finally {
        leave();
      }
    };
  });
  let prepared: Prepared | undefined;
  return (request, response) => {
    if (!queue.isFull() || !queued.has(`${request.method} ${pathOf(request.url)}`)) return false;
    const error = queue.refusal();
    if (!error) return false;
    if (prepared?.error !== error) prepared = prepare(error);
    if (isBodyLong(request)) response.setHeader('connection', 'close');
    response.writeHead(platformErrors.overloaded.status, prepared.headers).end(prepared.body);
    return true;
  };
}

/** An error as it is answered. */
interface Prepared {
  readonly error: AppError;
  readonly headers: Record<string, string>;
  readonly body: string;
}

function prepare(error: AppError): Prepared {
  const body = JSON.stringify(toProblem(error, platformErrors.overloaded));
  return {
    error,
    body,
    headers: {
      ...problemHeaders(error, platformErrors.overloaded),
      'content-length': `${Buffer.byteLength(body)}`,
    },
  };
}

/** A body that nobody wants is read to its end, where the connection is to be kept: not one longer than any that is taken. */
function isBodyLong({ headers }: IncomingMessage): boolean {
  return !(Number(headers['content-length']) <= MAX_BODY_BYTES);
}

function pathOf(url = ''): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Resolves with how the place is left again. Throws `overloaded`. */
type Enter = (response: ServerResponse, caller: string) => Promise<() => void>;

interface Queue {
  readonly enter: Enter;
  readonly isFull: () => boolean;
  /** Why a request that came now would not be served in time; undefined when it would. */
  readonly refusal: () => AppError | undefined;
}

function createQueue(options: QueueOptions): Queue {
  const { places, maxWaitMs, nowMs, onShed, onWaiting } = options;
  const waiting = new Set<Waiter>();
  const waitingOf = new Map<string, number>();
  let taken = 0;
  let pace: Pace = UNKNOWN_PACE;

  const expectedMs = () => expectedWaitMs(pace, places, waiting.size, nowMs());

  /** One error for all who are told the same: where it comes from would cost a seventh of the refusal to find out. */
  let told: AppError | undefined;

  function overloaded(): AppError {
    onShed();
    const retryAfterS = Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(expectedMs() / MS_PER_SECOND)));
    if (told?.extra.retryAfterS !== retryAfterS) {
      const detail = 'Too many orders are being placed right now. Try again shortly.';
      told = new AppError('overloaded', detail, { retryAfterS });
    }
    return told;
  }

  function wait(response: ServerResponse, caller: string): Promise<void> {
    const before = waitingOf.get(caller) ?? 0;
    if (before >= MAX_WAITING_OF_A_CALLER) {
      onShed();
      const detail = `${MAX_WAITING_OF_A_CALLER} orders of yours wait already. Send fewer at a time.`;
      throw new AppError('overloaded', detail, { retryAfterS: 1 });
    }
    waitingOf.set(caller, before + 1);
    return new Promise((enter, refuse) => {
      const waiter: Waiter = {
        enter() {
          stop();
          enter();
        },
      };
      const giveUp = () => {
        stop();
        refuse(new AppError('overloaded', 'The one who asked has gone away.'));
      };
      const timer = setTimeout(() => {
        stop();
        refuse(overloaded());
      }, maxWaitMs);
      function stop(): void {
        clearTimeout(timer);
        response.removeListener('close', giveUp);
        waiting.delete(waiter);
        const left = (waitingOf.get(caller) ?? 1) - 1;
        if (left === 0) waitingOf.delete(caller);
        else waitingOf.set(caller, left);
        onWaiting(waiting.size);
      }
      response.once('close', giveUp);
      waiting.add(waiter);
      onWaiting(waiting.size);
      if (response.destroyed) giveUp();
    });
  }

  function leave(tookMs: number): void {
    pace = served(pace, tookMs, nowMs());
    const [next] = waiting;
    // Whoever waits longest takes the place of the one that leaves.
    if (next) next.enter();
    else taken -= 1;
  }

  function refusal(): AppError | undefined {
    if (taken < places) return undefined;
    const isHopeless = waiting.size >= MAX_WAITING || expectedMs() > maxWaitMs;
    return isHopeless ? overloaded() : undefined;
  }

  return {
    refusal,
    isFull: () => taken === places,
    async enter(response, caller) {
      const refused = refusal();
      if (refused) throw refused;
      if (taken === places) await wait(response, caller);
      else {
        taken += 1;
        if (taken === places) pace = fullSince(pace, nowMs());
      }
      const fromMs = nowMs();
      return () => leave(nowMs() - fromMs);
    },
  };
}
