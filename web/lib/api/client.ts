import type { paths } from './openapi.ts';
import { NoAnswer, problemOf } from './problem.ts';

const TIMEOUT_MS = 20_000;
/** A safe request is sent again this often when no answer came or the service was briefly unavailable. */
const MAX_RETRIES = 2;
const MAX_RETRY_AFTER_S = 5;
const FIRST_PAUSE_MS = 400;

type Method = 'get' | 'post' | 'put' | 'delete';
type Operation<Path extends keyof paths, M extends Method> = Extract<paths[Path][M], object>;
type PathsWith<M extends Method> = { [P in keyof paths]: Operation<P, M> extends never ? never : P }[keyof paths];
type BodyOf<O> = O extends { requestBody?: { content: { 'application/json': infer Body } } } ? Body : undefined;
type AnswerOf<O> = O extends { responses: infer Responses }
  ? {
      [S in keyof Responses]: Responses[S] extends { content: { 'application/json': infer Answer } }
        ? Answer
        : undefined;
    }[keyof Responses]
  : never;
type PathParams<O> = O extends { parameters: { path: infer Params } } ? Params : undefined;

/** The answer of a route, as the OpenAPI document describes it. */
export type Answer<Path extends keyof paths, M extends Method> = AnswerOf<Operation<Path, M>>;

/** The order with its tickets. */
export type Order = Answer<'/api/order/{orderId}', 'get'>;
export type Ticket = NonNullable<Answer<'/api/order/{orderId}/tickets', 'get'>>[number];
export type Settings = Answer<'/api/order/config', 'get'>;

export interface CallOptions<O> {
  readonly path?: PathParams<O> | undefined;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: BodyOf<O> | undefined;
  /** The same for each try of one intention, so that it takes effect once. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Where access tokens come from; undefined when nobody is signed in. */
export type TokenSource = () => Promise<string | undefined>;

/** Calls the service's API. Every refusal is a `Problem`; `NoAnswer` says that none came. */
export class Api {
  readonly #token: TokenSource;

  constructor(token: TokenSource) {
    this.#token = token;
  }

  /** Sends a request and resolves with its answer. Requests that may be repeated safely are. */
  async call<M extends Method, P extends PathsWith<M>>(
    method: M,
    path: P,
    options: CallOptions<Operation<P, M>> = {},
  ): Promise<AnswerOf<Operation<P, M>>> {
    const isSafe = method === 'get' || options.idempotencyKey !== undefined;
    const url = address(path, options);
    for (let tried = 0; ; tried += 1) {
      const outcome = await this.#try(method, url, options).catch((error: unknown) => error);
      if (outcome instanceof Response && outcome.ok)
        return (outcome.status === 204 ? undefined : await outcome.json()) as AnswerOf<Operation<P, M>>;
      const error = outcome instanceof Response ? await problemOf(outcome) : outcome;
      if (options.signal?.aborted) throw error;
      const pause = isSafe && tried < MAX_RETRIES ? pauseBeforeRetry(error, tried) : undefined;
      if (pause === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #try(method: Method, url: string, { body, idempotencyKey, signal }: CallOptions<unknown>): Promise<Response> {
    const token = await this.#token();
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    try {
      return await fetch(url, {
        method: method.toUpperCase(),
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
    } catch (error) {
      throw new NoAnswer(error);
    }
  }
}

function address(path: string, { path: params, query = {} }: CallOptions<unknown>): string {
  const values = (params ?? {}) as Readonly<Record<string, string>>;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return search.size === 0 ? filled : `${filled}?${search}`;
}

/** Milliseconds until the next try; undefined when a retry does not help or would take too long. */
function pauseBeforeRetry(error: unknown, tried: number): number | undefined {
  if (error instanceof NoAnswer) return FIRST_PAUSE_MS * 2 ** tried;
  const { status, retryAfterS = 0 } = error as { status?: number; retryAfterS?: number };
  if (status !== 503 || retryAfterS > MAX_RETRY_AFTER_S) return undefined;
  return Math.max(retryAfterS * 1_000, FIRST_PAUSE_MS * 2 ** tried);
}
