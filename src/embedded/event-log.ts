import type { EventHandler, EventMessage, EventPublisher, EventSubscriber } from '../kernel/events.ts';

/** The stand-in for Kafka in the process: the same topics, keys and values, at least once, in order. */
export interface EmbeddedEventLog extends EventPublisher, EventSubscriber {}

const MAX_COUNTED = 1_000;

/**
 * A message counts as published when every subscriber of its topic has handled it: a failing subscriber makes `publish`
 * reject, and the outbox publishes the batch again.
 */
export function createEmbeddedEventLog(): EmbeddedEventLog {
  const subscribers = new Map<string, EventHandler[]>();
  const failed = new Map<string, number>();
  let tail: Promise<void> = Promise.resolve();

  async function deliver(messages: readonly EventMessage[]): Promise<void> {
    for (const message of messages) {
      const failures = failed.get(message.eventId) ?? 0;
      // The count of attempts is kept for a limited number of failing messages.
      if (failed.size < MAX_COUNTED) failed.set(message.eventId, failures + 1);
      for (const handle of subscribers.get(message.topic) ?? []) await handle(message, failures + 1);
      failed.delete(message.eventId);
    }
  }

  return {
    publish(messages) {
      const delivery = tail.then(() => deliver(messages));
      tail = delivery.catch(() => undefined);
      return delivery;
    },
    // With one process, every group has one member, which receives all messages.
    subscribe(_group, topic, handler) {
      subscribers.set(topic, [...(subscribers.get(topic) ?? []), handler]);
    },
  };
}
