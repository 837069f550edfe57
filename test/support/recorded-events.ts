import { createEmbeddedEventLog, type EmbeddedEventLog } from '../../src/embedded/event-log.ts';
import type { EventMessage } from '../../src/kernel/events.ts';
import { documentedTopics, requireDocumented } from './documented-events.ts';

/** A log of events that keeps what was published on it. */
export interface RecordedEvents {
  /** For `buildApp`. */
  readonly log: EmbeddedEventLog;
  /** Everything published so far, oldest first. */
  readonly messages: EventMessage[];
  /** While it is set, publishing rejects with this message. */
  failure: string | undefined;
  /** The bodies published on a topic under a key, oldest first. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
  on(topic: string, key: string): any[];
  /** The published messages about seats of a session that name any of these, with their seats sorted. */
  ofSeats(sessionId: string, seatIds: readonly string[]): SeatStatus[];
}

interface SeatStatus {
  readonly session_id: string;
  readonly seat_ids: readonly string[];
  readonly status: string;
}

export function recordEvents(): RecordedEvents {
  const inner = createEmbeddedEventLog();
  const messages: EventMessage[] = [];
  for (const { topic } of documentedTopics())
    inner.subscribe('recorder', topic, async (message) => void messages.push(message));
  const recorded: RecordedEvents = {
    log: {
      subscribe: inner.subscribe,
      async publish(batch) {
        if (recorded.failure !== undefined) throw new Error(recorded.failure);
        for (const { topic, value } of batch) requireDocumented(topic, value);
        await inner.publish(batch);
      },
    },
    messages,
    failure: undefined,
    on: (topic, key) =>
      messages
        .filter((message) => message.topic === topic && message.key === key)
        .map(({ value }) => JSON.parse(value)),
    ofSeats: (sessionId, seatIds) =>
      recorded
        .on('ticketly.seats.status', sessionId)
        .filter((message) => message.seat_ids.some((seatId: string) => seatIds.includes(seatId)))
        .map((message) => ({ ...message, seat_ids: message.seat_ids.toSorted() })),
  };
  return recorded;
}
