import type { EventMessage, EventPublisher } from '../kernel/events.ts';

/** Takes one message; rejecting means "give it to me again". */
export type EventHandler = (message: EventMessage) => Promise<void>;

/** The log in the process that stands in for Kafka: the same topics, keys and values, at least once, in order. */
export interface EmbeddedEventLog extends EventPublisher {
  /** Hands every later message of `topic` to `handler`, one at a time, in order. */
  subscribe(topic: string, handler: EventHandler): void;
}

/**
 * A message counts as taken when every subscriber of its topic has handled it: a failing subscriber makes `publish`
 * reject, and the outbox offers the batch again.
 */
export function createEmbeddedEventLog(): EmbeddedEventLog {
  const subscribers = new Map<string, EventHandler[]>();
  let tail: Promise<void> = Promise.resolve();

  async function deliver(messages: readonly EventMessage[]): Promise<void> {
    for (const message of messages) {
      for (const handle of subscribers.get(message.topic) ?? []) await handle(message);
    }
  }

  return {
    publish(messages) {
      const delivery = tail.then(() => deliver(messages));
      tail = delivery.catch(() => undefined);
      return delivery;
    },
    subscribe(topic, handler) {
      subscribers.set(topic, [...(subscribers.get(topic) ?? []), handler]);
    },
  };
}
