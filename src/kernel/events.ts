import type { Instant } from './clock.ts';

/** The topics this service writes to; the names on the wire are configuration, these are their keys there. */
export const TOPIC_KEYS = [
  'orderCreated',
  'orderUpdated',
  'orderAmended',
  'orderCanceled',
  'seatsStatus',
  // Messages of others that will never be understood, set aside with the reason.
  'paymentSucceededDead',
  'paymentFailedDead',
] as const;
export type TopicKey = (typeof TOPIC_KEYS)[number];
export type TopicNames = Readonly<Record<TopicKey, string>>;

/** What a use case announces; it is stored in the outbox with the change and published after the commit. */
export interface Announcement {
  readonly topic: TopicKey;
  /** Messages of one key are published in the order they were written. */
  readonly key: string;
  /** The JSON text of the message, exactly as consumers get it. */
  readonly value: string;
}

/** A message on its way to a topic. */
export interface EventMessage {
  /** Stable over republishing, so that a consumer can tell a repeat: header `event-id`. */
  readonly eventId: string;
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  readonly committedAt: Instant;
  /** The trace it belongs to; header `traceparent`. */
  readonly traceparent?: string | undefined;
}

/** Port: a log of events (Kafka, or the one in the process). */
export interface EventPublisher {
  /**
   * Resolves when every message is durably taken, in the given order per key. Rejects when any was not: the caller
   * then publishes the whole batch again (at least once).
   */
  publish(messages: readonly EventMessage[]): Promise<void>;
}

/**
 * Takes one message, which may come any number of times; rejecting means "give it to me again". `attempt` counts the
 * times this process has given it, from 1.
 */
export type EventHandler = (message: EventMessage, attempt: number) => Promise<void>;

/** Port: reads a log of events. */
export interface EventSubscriber {
  /**
   * Hands the messages of `topic` to `handler`, at least once and in order for each key. Replicas that name the same
   * group share the messages among them; each group gets all of them.
   */
  subscribe(group: string, topic: string, handler: EventHandler): void;
}
