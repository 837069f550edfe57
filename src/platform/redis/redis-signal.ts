import { Redis } from 'ioredis';
import type { SalesSignal, Subscription } from '../signal.ts';
import { type Circuit, within } from './circuit.ts';
import { type RedisConnection, type RedisServer, sharedOptions } from './connection.ts';

export interface RedisSignalParts {
  readonly server: RedisServer;
  readonly redis: RedisConnection;
  readonly circuit: Circuit;
  /** Called once when the listening connection is lost, with the error, and once when there is a new one. */
  readonly onListening: (isListening: boolean, error?: unknown) => void;
}

/** A node that does not answer for this long is replaced by the next one. */
const PING_TIMEOUT_MS = 1_000;

/**
 * A signal among replicas by a Redis channel, without a payload. Cluster nodes forward published messages, so one connection
 * receives all of them. While Redis is unavailable, nothing is signalled and nothing fails: listeners also poll the
 * database.
 */
export function createRedisSignal(
  { server, redis, circuit, onListening }: RedisSignalParts,
  { channel, onSignal, onLost }: Subscription,
): SalesSignal {
  let listener: Redis | undefined;
  let isListening = true;
  let isClosing = false;
  let tries = 0;

  function report(now: boolean, error?: unknown): void {
    if (isListening !== now && !isClosing) onListening(now, error);
    isListening = now;
  }

  async function connect(): Promise<void> {
    const next = new Redis({
      ...sharedOptions(server),
      ...server.addresses[tries % server.addresses.length],
      lazyConnect: true,
      retryStrategy: () => null,
    });
    tries += 1;
    // The same error also rejects the call.
    next.on('error', () => undefined);
    // A replaced connection may still deliver earlier messages.
    next.on('message', () => {
      if (listener === next) onSignal();
    });
    next.once('end', () => {
      if (listener !== next) return;
      listener = undefined;
      onLost();
    });
    try {
      await next.connect();
      await next.subscribe(channel);
    } catch (error) {
      next.disconnect();
      throw error;
    }
    if (isClosing) return next.disconnect();
    listener = next;
    onSignal();
  }

  return {
    async send() {
      await circuit.run(() => redis.commands.publish(channel, '')).catch(() => undefined);
    },
    async listen() {
      try {
        if (listener) await within(listener.ping(), PING_TIMEOUT_MS);
        else await connect();
        report(true);
      } catch (error) {
        listener?.disconnect();
        report(false, error);
      }
      return false;
    },
    async close() {
      isClosing = true;
      listener?.disconnect();
      listener = undefined;
    },
  };
}
