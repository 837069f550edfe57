import { setTimeout as pause } from 'node:timers/promises';
import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleWhen, type IPolicy } from 'cockatiel';
import type { Dispatcher } from 'undici';
import { AppError } from '../../kernel/errors.ts';
import { OK } from '../../kernel/http-status.ts';
import type { M2mTokens } from '../m2m-tokens/m2m-tokens.ts';
import { type Exchanged, exchange } from './exchange.ts';

/** What another service says: yes with a body, or no in its own words. */
export type ServiceAnswer =
  | { readonly outcome: 'ok'; readonly body: unknown }
  | { readonly outcome: 'refused'; readonly message: string };

/** Calls one service of the platform as ourselves, with a bearer token of ours. */
export interface ServiceClient {
  /**
   * Throws `seating_unavailable` or `identity_unavailable` when there is no answer within four seconds; a refusal is an
   * answer. A read that failed sooner is tried once more.
   */
  get(path: string, query: Readonly<Record<string, string>>): Promise<ServiceAnswer>;
  /** `alsoNo`: statuses that mean "no" to this question besides the usual ones. */
  post(path: string, body: unknown, alsoNo?: readonly number[]): Promise<ServiceAnswer>;
}

export interface ServiceClientOptions {
  readonly http: Dispatcher;
  /** For example `http://localhost:8081/api/event-seating`. */
  readonly baseUrl: string;
  readonly tokens: M2mTokens;
  /** Told when the service is left alone because it does not answer, and when it is asked again. */
  readonly onCircuit: (isOpen: boolean) => void;
}

const REQUEST_TIMEOUT_MS = 4_000;
/** Long enough for another instance of the service to be asked. */
const READ_AGAIN_AFTER_MS = 50;
const FAILURES_BEFORE_OPEN = 10;
const OPEN_FOR_MS = 2_000;
const MAX_MESSAGE_CHARS = 500;
const UNAUTHORIZED = 401;
/** The answers that mean "no" and not "I am broken": a question is answered so for what is not there, too. */
const REFUSALS: Readonly<Record<'GET' | 'POST', ReadonlySet<number>>> = {
  GET: new Set([400, 403, 404]),
  POST: new Set([400, 409]),
};

/**
 * A client with a timeout for each call and a circuit breaker over them: after ten failures in a row the service is
 * left alone for two seconds, then one call tries it again.
 */
export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const base = new URL(options.baseUrl);
  const breaker = circuitBreaker(handleWhen(isNoAnswer), {
    halfOpenAfter: OPEN_FOR_MS,
    breaker: new ConsecutiveBreaker(FAILURES_BEFORE_OPEN),
  });
  options.onCircuit(false);
  breaker.onBreak(() => options.onCircuit(true));
  breaker.onReset(() => options.onCircuit(false));
  const caller = (method: 'GET' | 'POST', path: string, alsoNo: readonly number[], body?: string) => {
    const place = { origin: base.origin, path: base.pathname.replace(/\/$/, '') + path };
    const deadline = createDeadline();
    const target = { method, alsoNo, ...place, within: deadline.within };
    return {
      target,
      call: () => guarded(breaker, () => authorised(options, target, body)),
      end: deadline.end,
    };
  };

  return {
    async get(path, query) {
      const { target, call, end } = caller('GET', `${path}?${new URLSearchParams(query).toString()}`, []);
      try {
        return await call();
      } catch (error) {
        if (!isWorthAnother(error) || target.within().aborted) throw error;
        await pause(READ_AGAIN_AFTER_MS);
        return await call();
      } finally {
        end();
      }
    },
    async post(path, body, alsoNo = []) {
      const { call, end } = caller('POST', path, alsoNo, JSON.stringify(body));
      try {
        return await call();
      } finally {
        end();
      }
    },
  };
}

/** Begins when it is first asked for. Ended with the answer: one of `AbortSignal.timeout` goes off for every answered call, too. */
function createDeadline(): { within: () => AbortSignal; end: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    within() {
      timer ??= setTimeout(() => controller.abort(new Error('no answer in time')), REQUEST_TIMEOUT_MS);
      return controller.signal;
    },
    end: () => clearTimeout(timer),
  };
}

/** Not when the service is left alone, nor when there is no token to ask with. */
function isWorthAnother(error: unknown): boolean {
  return isNoAnswer(error) && !(error.cause instanceof BrokenCircuitError);
}

function isNoAnswer(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'seating_unavailable';
}

interface Target {
  readonly method: 'GET' | 'POST';
  readonly alsoNo: readonly number[];
  readonly origin: string;
  readonly path: string;
  /** Ends all tries, with their waits for a connection; its time begins when it is first asked for. */
  readonly within: () => AbortSignal;
}

async function guarded(breaker: IPolicy, work: () => Promise<ServiceAnswer>): Promise<ServiceAnswer> {
  try {
    return await breaker.execute(work);
  } catch (error) {
    throw error instanceof BrokenCircuitError ? unavailable(error) : error;
  }
}

/** One try, and a second with a fresh token when the first one's was refused: a restarted issuer has new keys. */
async function authorised(
  options: ServiceClientOptions,
  target: Target,
  body?: string,
): Promise<ServiceAnswer> {
  const token = await options.tokens.get();
  const first = await send(options.http, target, token, body);
  if (first.status !== UNAUTHORIZED) return read(first, target);
  options.tokens.discard(token);
  return read(await send(options.http, target, await options.tokens.get(), body), target);
}

async function send(
  http: Dispatcher,
  { method, origin, path, within }: Target,
  token: string,
  body?: string,
): Promise<Exchanged> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  try {
    const request = { method, origin, path, headers, ...(body === undefined ? {} : { body }) };
    return await exchange(http, request, within());
  } catch (error) {
    throw unavailable(error);
  }
}

function read({ status, text }: Exchanged, { method, alsoNo }: Target): ServiceAnswer {
  if (REFUSALS[method].has(status) || alsoNo.includes(status))
    return { outcome: 'refused', message: messageIn(text) };
  if (status !== OK) throw unavailable(new Error(`status ${status}`));
  try {
    return { outcome: 'ok', body: text === '' ? undefined : JSON.parse(text) };
  } catch (error) {
    throw unavailable(error);
  }
}

/** The service's own words for its refusal; Spring and ours both call them `message`. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message.slice(0, MAX_MESSAGE_CHARS);
  } catch {
    // Not JSON: no words of its own.
  }
  return 'The seating service refused the seats.';
}

function unavailable(cause: unknown): AppError {
  return new AppError(
    'seating_unavailable',
    'The seating service cannot be reached right now. Try again shortly.',
    { cause },
  );
}
