import type { Instant } from './clock.ts';

/** The topics this service writes to, by their configuration keys. The names on the wire are configurable. */
export const TOPIC_KEYS = [
  'orderCreated',
  'orderUpdated',
  'orderAmended',
  'orderCanceled',
  'seatsStatus',
  // Dead letters: messages of other systems that cannot be parsed, stored with the reason.
  'paymentSucceededDead',
  'paymentFailedDead',
] as const;
export type TopicKey = (typeof TOPIC_KEYS)[number];
export type TopicNames = Readonly<Record<TopicKey, string>>;

/** An event of a use case. It is stored in the outbox together with the change and published after the commit. */
export interface Announcement {
  readonly topic: TopicKey;
  /** Messages of one key are published in the order they were written. */
  readonly key: string;
  /** The JSON text of the message, exactly as consumers receive it. */
  readonly value: string;
}

/** A message of a topic. */
export interface EventMessage {
  /** Stable across republishing, so that consumers can detect duplicates: header `event-id`. */
  readonly eventId: string;
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  readonly committedAt: Instant;
  /** The trace it belongs to; header `traceparent`. */
  readonly traceparent?: string | undefined;
}

/** Port: publishes events to Kafka, or to the log in the process. */
export interface EventPublisher {
  /**
   * Resolves when every message is stored durably, in the given order for each key. Rejects when one of them is not: the
   * caller then publishes the whole batch again (at least once).
   */
  publish(messages: readonly EventMessage[]): Promise<void>;
}

/**
 * Handles one message, which may be delivered any number of times; a rejection means that it is delivered again. `attempt`
 * counts the deliveries in this process, from 1.
 */
export type EventHandler = (message: EventMessage, attempt: number) => Promise<void>;

/** Port: subscribes to events. */
export interface EventSubscriber {
  /**
   * Delivers the messages of `topic` to `handler`, at least once and in order for each key. Replicas of the same group
   * share the messages; each group receives all of them.
   */
  subscribe(group: string, topic: string, handler: EventHandler): void;
}
