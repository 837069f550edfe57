import { setTimeout as pause } from 'node:timers/promises';
import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleWhen, type IPolicy } from 'cockatiel';
import type { Dispatcher } from 'undici';
import { AppError } from '../../kernel/errors.ts';
import { OK } from '../../kernel/http-status.ts';
import type { M2mTokens } from '../m2m-tokens/m2m-tokens.ts';
import { type Exchanged, exchange } from './exchange.ts';

/** The answer of another service: a result, or a refusal with the service's own message. */
export type ServiceAnswer =
  | { readonly outcome: 'ok'; readonly body: unknown }
  | { readonly outcome: 'refused'; readonly message: string };

const REQUEST_TIMEOUT_MS = 4_000;
/** Long enough for a load balancer to choose another instance of the service. */
const RETRY_AFTER_MS = 50;
const FAILURES_BEFORE_OPEN = 10;
const OPEN_FOR_MS = 2_000;
const MAX_MESSAGE_CHARS = 500;
const UNAUTHORIZED = 401;
/** A gateway answers with these when the service itself does not. */
const OUTAGES: ReadonlySet<number> = new Set([502, 503, 504]);
/** Statuses that refuse a request, as opposed to failing. A question about something that does not exist is refused too. */
const REFUSALS: Readonly<Record<'GET' | 'POST', ReadonlySet<number>>> = {
  GET: new Set([400, 403, 404]),
  POST: new Set([400, 409]),
};

interface Target {
  readonly method: 'GET' | 'POST';
  readonly alsoRefusals: readonly number[];
  readonly origin: string;
  readonly path: string;
}

/** The service answered, but not with what was asked for. */
class UnusableAnswer extends Error {}

interface ServiceClientNeeds {
  readonly http: Dispatcher;
  /** For example `http://localhost:8081/api/event-seating`. */
  readonly baseUrl: string;
  readonly tokens: Pick<M2mTokens, 'get' | 'discard'>;
  readonly onCircuit: (isOpen: boolean) => void;
}

/**
 * Calls one service of the platform for one purpose, with a machine-to-machine token. Each call has a timeout, and a circuit
 * breaker covers all calls: after ten outages in a row the service is not called for two seconds, then one call tries it again.
 * Only no answer and an answer of a gateway in its place are an outage: any other answer can be what one user's request causes,
 * and must not stop the others.
 */
export class ServiceClient {
  readonly #needs: ServiceClientNeeds;
  readonly #base: URL;
  readonly #breaker: IPolicy;

  /** `onCircuit` is called when the breaker opens or closes, and once at the beginning. */
  constructor(needs: ServiceClientNeeds) {
    this.#needs = needs;
    this.#base = new URL(needs.baseUrl);
    const breaker = circuitBreaker(handleWhen(isOutage), {
      halfOpenAfter: OPEN_FOR_MS,
      breaker: new ConsecutiveBreaker(FAILURES_BEFORE_OPEN),
    });
    needs.onCircuit(false);
    breaker.onBreak(() => needs.onCircuit(true));
    breaker.onReset(() => needs.onCircuit(false));
    this.#breaker = breaker;
  }

  /**
   * Throws `seating_unavailable` or `identity_unavailable` when there is no answer within four seconds; a refusal is an
   * answer. A read that failed earlier than that is tried once more.
   */
  async get(path: string, query: Readonly<Record<string, string>>): Promise<ServiceAnswer> {
    const target = this.#target('GET', `${path}?${new URLSearchParams(query).toString()}`);
    const deadline = createDeadline();
    try {
      return await this.#call(target, deadline);
    } catch (error) {
      if (!isWorthRetrying(error) || deadline.signal().aborted) throw error;
      await pause(RETRY_AFTER_MS);
      return await this.#call(target, deadline);
    } finally {
      deadline.end();
    }
  }

  /** Throws as `get` does. `alsoRefusals` are statuses that refuse this request in addition to the usual ones. */
  async post(path: string, body: unknown, alsoRefusals: readonly number[] = []): Promise<ServiceAnswer> {
    const deadline = createDeadline();
    try {
      return await this.#call(this.#target('POST', path, alsoRefusals), deadline, JSON.stringify(body));
    } finally {
      deadline.end();
    }
  }

  #target(method: Target['method'], path: string, alsoRefusals: readonly number[] = []): Target {
    const { origin, pathname } = this.#base;
    return { method, alsoRefusals, origin, path: pathname.replace(/\/$/, '') + path };
  }

  async #call(target: Target, deadline: Deadline, body?: string): Promise<ServiceAnswer> {
    try {
      return await this.#breaker.execute(() => this.#authorised(target, deadline, body));
    } catch (error) {
      throw error instanceof BrokenCircuitError ? unavailable(error) : error;
    }
  }

  /** Sends the request, and once more with a new token if the first token is refused: a restarted issuer has new keys. */
  async #authorised(target: Target, { signal }: Deadline, body?: string): Promise<ServiceAnswer> {
    const { http, tokens } = this.#needs;
    const token = await tokens.get();
    const first = await send(http, target, signal(), token, body);
    if (first.status !== UNAUTHORIZED) return read(first, target);
    tokens.discard(token);
    return read(await send(http, target, signal(), await tokens.get(), body), target);
  }
}

type Deadline = ReturnType<typeof createDeadline>;

/**
 * The time limit of all attempts of a call, including their waits for a connection. Not `AbortSignal.timeout`, whose timer
 * would fire for every answered call too.
 */
function createDeadline() {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    /** The time starts with the first call of this function, so that the wait for a token does not count. */
    signal(): AbortSignal {
      timer ??= setTimeout(() => controller.abort(new Error('no answer in time')), REQUEST_TIMEOUT_MS);
      return controller.signal;
    },
    end: () => clearTimeout(timer),
  };
}

/** A retry is useless while the breaker is open or when there is no token. */
function isWorthRetrying(error: unknown): boolean {
  return isUnavailable(error) && !(error.cause instanceof BrokenCircuitError);
}

function isUnavailable(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'seating_unavailable';
}

function isOutage(error: unknown): boolean {
  return isUnavailable(error) && !(error.cause instanceof UnusableAnswer);
}

async function send(
  http: Dispatcher,
  { method, origin, path }: Target,
  signal: AbortSignal,
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
    return await exchange(http, request, signal);
  } catch (error) {
    throw unavailable(error);
  }
}

function read({ status, text }: Exchanged, { method, alsoRefusals }: Target): ServiceAnswer {
  if (REFUSALS[method].has(status) || alsoRefusals.includes(status))
    return { outcome: 'refused', message: messageIn(text) };
  if (OUTAGES.has(status)) throw unavailable(new Error(`status ${status}`));
  if (status !== OK) throw unavailable(new UnusableAnswer(`status ${status}`));
  try {
    return { outcome: 'ok', body: text === '' ? undefined : JSON.parse(text) };
  } catch (error) {
    throw unavailable(new UnusableAnswer('not JSON', { cause: error }));
  }
}

/** The service's own message; Spring and this platform both have it in the field `message`. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message.slice(0, MAX_MESSAGE_CHARS);
  } catch {
    // Not JSON, so there is no message.
  }
  return 'The seating service refused the seats.';
}

function unavailable(cause: unknown): AppError {
  return new AppError('seating_unavailable', 'The seating service cannot be reached right now. Try again shortly.', {
    cause,
  });
}
