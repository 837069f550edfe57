import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleWhen, type IPolicy } from 'cockatiel';
import type { Dispatcher } from 'undici';
import { AppError } from '../../kernel/errors.ts';
import type { M2mTokens } from '../m2m-tokens/m2m-tokens.ts';

/** What another service says: yes with a body, or no in its own words. */
export type ServiceAnswer =
  | { readonly outcome: 'ok'; readonly body: unknown }
  | { readonly outcome: 'refused'; readonly message: string };

/** Calls one service of the platform as ourselves, with a bearer token of ours. */
export interface ServiceClient {
  /** Throws `seating_unavailable` or `identity_unavailable` when there is no answer; a refusal is an answer. */
  get(path: string, query: Readonly<Record<string, string>>): Promise<ServiceAnswer>;
  /** `alsoNo`: statuses that mean "no" to this question besides the usual ones. */
  post(path: string, body: unknown, alsoNo?: readonly number[]): Promise<ServiceAnswer>;
}

export interface ServiceClientOptions {
  readonly http: Dispatcher;
  /** For example `http://localhost:8081/api/event-seating`. */
  readonly baseUrl: string;
  readonly tokens: M2mTokens;
}

const REQUEST_TIMEOUT_MS = 4_000;
const FAILURES_BEFORE_OPEN = 10;
const OPEN_FOR_MS = 2_000;
const MAX_MESSAGE_CHARS = 500;
const OK = 200;
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
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof AppError && error.code === 'seating_unavailable'),
    { halfOpenAfter: OPEN_FOR_MS, breaker: new ConsecutiveBreaker(FAILURES_BEFORE_OPEN) },
  );
  const call = (method: 'GET' | 'POST', path: string, alsoNo: readonly number[], body?: string) =>
    guarded(breaker, () =>
      authorised(
        options,
        { method, alsoNo, origin: base.origin, path: base.pathname.replace(/\/$/, '') + path },
        body,
      ),
    );

  return {
    get: (path, query) => call('GET', `${path}?${new URLSearchParams(query).toString()}`, []),
    post: (path, body, alsoNo = []) => call('POST', path, alsoNo, JSON.stringify(body)),
  };
}

interface Target {
  readonly method: 'GET' | 'POST';
  readonly alsoNo: readonly number[];
  readonly origin: string;
  readonly path: string;
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

interface Response {
  readonly status: number;
  readonly text: string;
}

async function send(
  http: Dispatcher,
  { method, origin, path }: Target,
  token: string,
  body?: string,
): Promise<Response> {
  const deadline = new AbortController();
  // Stopped with the answer; one of `AbortSignal.timeout` would go off for each of them all the same.
  const timer = setTimeout(() => deadline.abort(), REQUEST_TIMEOUT_MS);
  try {
    const response = await http.request({
      method,
      origin,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
      signal: deadline.signal,
    });
    return { status: response.statusCode, text: await response.body.text() };
  } catch (error) {
    throw unavailable(error);
  } finally {
    clearTimeout(timer);
  }
}

function read({ status, text }: Response, { method, alsoNo }: Target): ServiceAnswer {
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
