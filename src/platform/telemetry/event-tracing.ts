import type { EventMessage, EventPublisher, EventSubscriber } from '../../kernel/events.ts';
import type { Tracing } from './tracing.ts';

/** Adds tracing to an event log: messages carry the trace that wrote them, and are handled in that trace. */
export function traceEvents<Log extends EventPublisher & EventSubscriber>(log: Log, tracing: Tracing): Log {
  return {
    ...log,
    async publish(messages) {
      const sent = messages.map((message) => begin(message, tracing));
      try {
        await log.publish(sent.map(({ message }) => message));
        for (const { end } of sent) end();
      } catch (error) {
        for (const { end } of sent) end(error);
        throw error;
      }
    },
    subscribe(group, topic, handler) {
      log.subscribe(group, topic, (message, attempt) =>
        tracing.resume(`process ${topic}`, message.traceparent, () => handler(message, attempt)),
      );
    },
  };
}

function begin(message: EventMessage, tracing: Tracing) {
  if (message.traceparent === undefined) return { message, end: () => undefined };
  const span = tracing.publish(message.topic, message.traceparent);
  return { message: { ...message, traceparent: span.traceparent }, end: span.end };
}
