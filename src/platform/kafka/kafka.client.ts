import { isIP } from 'node:net';
import { Admin, type Base, type BaseOptions, type ConnectionPool } from '@platformatic/kafka';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Addresses of the brokers, and the login. */
export interface KafkaAccess {
  /** `host:port` of some of the brokers; they name the others. */
  readonly brokers: readonly string[];
  /** Name of this service in the brokers' logs and quotas. */
  readonly clientId: string;
  /** TLS; `ca` replaces the well-known certificate authorities. */
  readonly tls: { readonly ca?: string } | undefined;
  readonly sasl: SaslLogin | undefined;
}

export interface SaslLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

export interface ClientBounds {
  readonly connectTimeoutMs: number;
  /** Time limit of one request; longer than the wait that the request asks of the broker. */
  readonly requestTimeoutMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
}

/** A client for questions about the cluster; the caller ends it with `abandon`. */
export function createAdmin(access: KafkaAccess, bounds: ClientBounds): Admin {
  const admin = new Admin(clientOptions(access, bounds));
  admin.on('error', () => undefined);
  return admin;
}

/** Options of every client: with limits, and without creating topics as a side effect. */
export function clientOptions(access: KafkaAccess, bounds: ClientBounds): BaseOptions {
  return {
    clientId: access.clientId,
    bootstrapBrokers: [...access.brokers],
    connectTimeout: bounds.connectTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    retries: bounds.retries,
    retryDelay: bounds.retryDelayMs,
    autocreateTopics: false,
    // A broker's certificate must contain its host name; IP addresses cannot be checked by name.
    ...(access.tls && { tls: access.tls, tlsServerName: !access.brokers.some(isAddress) }),
    ...(access.sasl && { sasl: access.sasl }),
  };
}

function isAddress(broker: string): boolean {
  return isIP(broker.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')) !== 0;
}

/** Kafka is unavailable or refused a request. The message has the reason, without the content of the request. */
export class KafkaError extends Error {
  constructor(action: string, cause: unknown) {
    super(`${action}: ${[...new Set(reasonsOf(cause))].join('; ')}`);
    this.name = 'KafkaError';
  }
}

const MAX_DEPTH = 8;

/** The innermost reasons. The library wraps them in layers such as "failed 3 times", with whole answers attached. */
function reasonsOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner = error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause];
  if (inner.length > 0 && depth < MAX_DEPTH) return inner.flatMap((cause) => reasonsOf(cause, depth + 1));
  return ['apiId' in error ? `${error.apiId}: ${error.message}` : error.message];
}

/** Whether Kafka answered with one of these errors, by their names in the protocol. */
export function isAnswer(error: unknown, ...names: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  if ('apiId' in error && typeof error.apiId === 'string' && names.includes(error.apiId)) return true;
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  return inner.some((cause) => isAnswer(cause, ...names));
}

/** Resolves as `work` does, or rejects after `timeoutMs`; the caller must then end the work, which continues. */
export function within<Result>(timeoutMs: number, action: string, work: Promise<Result>): Promise<Result> {
  return withTimeLimit(timeoutMs, work, () => {
    throw new KafkaError(action, `not finished within ${timeoutMs} ms`);
  });
}

/** Closes a client at once. Unsent messages are dropped, so that nothing arrives late. */
export function abandon(client: Base): void {
  cut(client.connections);
  void client.close().catch(() => undefined);
}

/** Closes connections without sending the rest. */
export function cut(connections: ConnectionPool): void {
  for (const [, connection] of connections) connection.socket?.destroy();
}
