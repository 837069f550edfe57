import { isIP } from 'node:net';
import type { Base, BaseOptions, ConnectionPool } from '@platformatic/kafka';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** How to reach the brokers, and as whom. */
export interface KafkaAccess {
  /** `host:port` of some of the brokers; they name the others. */
  readonly brokers: readonly string[];
  /** How this service is called in the brokers' logs and quotas. */
  readonly clientId: string;
  /** TLS, with the certificates that sign the brokers' in place of the well-known ones. */
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
  /** For one request on the wire; longer than what the broker is asked to wait. */
  readonly requestTimeoutMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
}

/** What every client of the library is made with: never without bounds, and never making topics by the way. */
export function clientOptions(access: KafkaAccess, bounds: ClientBounds): BaseOptions {
  return {
    clientId: access.clientId,
    bootstrapBrokers: [...access.brokers],
    connectTimeout: bounds.connectTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    retries: bounds.retries,
    retryDelay: bounds.retryDelayMs,
    autocreateTopics: false,
    // The name that the broker's certificate must have; an address cannot be asked for by name.
    ...(access.tls && { tls: access.tls, tlsServerName: !access.brokers.some(isAddress) }),
    ...(access.sasl && { sasl: access.sasl }),
  };
}

function isAddress(broker: string): boolean {
  return isIP(broker.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')) !== 0;
}

/** Kafka could not be reached, or did not do what it was asked; the message says why, without what was sent. */
export class KafkaError extends Error {
  constructor(doing: string, cause: unknown) {
    super(`${doing}: ${[...new Set(reasonsOf(cause))].join('; ')}`);
    this.name = 'KafkaError';
  }
}

const MAX_DEPTH = 8;

/** The innermost reasons: the library wraps them in layers that say "failed 3 times", and hangs whole answers on them. */
function reasonsOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner =
    error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause];
  if (inner.length > 0 && depth < MAX_DEPTH) return inner.flatMap((cause) => reasonsOf(cause, depth + 1));
  return ['apiId' in error ? `${error.apiId}: ${error.message}` : error.message];
}

/** Whether Kafka gave one of these answers, by their names in its protocol. */
export function isAnswer(error: unknown, ...names: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  if ('apiId' in error && typeof error.apiId === 'string' && names.includes(error.apiId)) return true;
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  return inner.some((cause) => isAnswer(cause, ...names));
}

/** Resolves as `work` does, or rejects when that takes longer; the work itself goes on and must be ended by the caller. */
export function within<Result>(timeoutMs: number, doing: string, work: Promise<Result>): Promise<Result> {
  return withTimeLimit(timeoutMs, work, () => {
    throw new KafkaError(doing, `no end within ${timeoutMs} ms`);
  });
}

/** Lets a client go at once: what it still had to send is not sent, so that nothing arrives after its time. */
export function abandon(client: Base): void {
  cut(client.connections);
  void client.close().catch(() => undefined);
}

/** Ends connections without waiting for what they still have to send. */
export function cut(connections: ConnectionPool): void {
  for (const [, connection] of connections) connection.socket?.destroy();
}
