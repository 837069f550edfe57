import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { EmbeddedEventLog } from '../../src/embedded/event-log.ts';
import type { EventHandler, EventMessage } from '../../src/kernel/events.ts';

/** A message as the file keeps it: what consumers elsewhere would have received. */
export type KeptMessage = Pick<EventMessage, 'eventId' | 'topic' | 'key' | 'value'>;

export interface FileEventLog extends EmbeddedEventLog {
  /** Delivers a message of another system to its subscribers; rejects when it must be delivered again. */
  deliver(message: EventMessage): Promise<void>;
  /** What the log accepts from now on: everything, nothing, or all but one key. */
  refuse(keys: 'none' | 'all' | { readonly key: string }): void;
}

/** An event log within the process that stores each accepted message in a file before any subscriber gets it. */
export function createFileEventLog(path: string): FileEventLog {
  const subscribers = new Map<string, EventHandler[]>();
  let tail: Promise<void> = Promise.resolve();
  let isRefused: (message: EventMessage) => boolean = () => false;

  async function deliver(message: EventMessage): Promise<void> {
    for (const handle of subscribers.get(message.topic) ?? []) await handle(message, 1);
  }

  async function take(messages: readonly EventMessage[]): Promise<void> {
    for (const message of messages) {
      if (isRefused(message)) throw new Error(`the log does not take messages of ${message.key}`);
      const { eventId, topic, key, value } = message;
      appendFileSync(path, `${JSON.stringify({ eventId, topic, key, value })}\n`);
      await deliver(message);
    }
  }

  return {
    publish(messages) {
      const taken = tail.then(() => take(messages));
      tail = taken.catch(() => undefined);
      return taken;
    },
    subscribe(_group, topic, handler) {
      subscribers.set(topic, [...(subscribers.get(topic) ?? []), handler]);
    },
    deliver,
    refuse(keys) {
      isRefused = ({ key }) => keys === 'all' || (keys !== 'none' && keys.key === key);
    },
  };
}

/** Everything that was announced, in the order of acceptance. */
export function readEventLog(path: string): KeptMessage[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KeptMessage);
}
