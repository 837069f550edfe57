import { setTimeout as pause } from 'node:timers/promises';
import { Consumer, type Message, type MessagesStream, stringDeserializers } from '@platformatic/kafka';
import { instant } from '../../kernel/clock.ts';
import type { EventHandler, EventMessage } from '../../kernel/events.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import { abandon, clientOptions, cut, type KafkaAccess, KafkaError, within } from './kafka.client.ts';
import { Committer } from './kafka.committer.ts';
import { Lanes } from './kafka.lanes.ts';
import { EVENT_ID_HEADER, TRACE_HEADER } from './kafka.publisher.ts';

const BOUNDS = { connectTimeoutMs: 1_500, requestTimeoutMs: 40_000, retries: 2, retryDelayMs: 250 };
/** The partitions of a crashed replica are assigned to another replica after this. */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 2_000;
/** Maximum wait of the group for a member in a rebalance; below the timeout of the request. */
const REBALANCE_TIMEOUT_MS = 30_000;
const MAX_FETCH_BYTES = 5 * 1_024 * 1_024;
const MAX_FETCH_WAIT_MS = 1_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
/** Time limits of a stop: for running handlers, then for the last commit, then for leaving the group. */
const HAND_OVER_MS = 8_000;
const LAST_COMMIT_MS = 2_000;
const LEAVE_MS = 2_000;

type EventConsumer = Consumer<string, string, string, string>;
type Stream = MessagesStream<string, string, string, string>;
type Read = Message<string, string, string, string>;

/**
 * Reads topics as a member of a consumer group until it is stopped. It starts at the group's committed offsets, or at the
 * beginning when there are none, and commits messages after they were handled. When reading fails for any reason, it joins
 * the group again as a new member, and the messages since the last commit are delivered again.
 */
export class GroupReader {
  readonly #access: KafkaAccess;
  readonly #group: string;
  readonly #handlers: ReadonlyMap<string, EventHandler>;
  readonly #onError: OnFailure;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;

  /** Starts to read. `onError` is called for each failed message and each interrupted membership; both are tried again. */
  constructor(access: KafkaAccess, group: string, handlers: ReadonlyMap<string, EventHandler>, onError: OnFailure) {
    this.#access = access;
    this.#group = group;
    this.#handlers = handlers;
    this.#onError = onError;
    this.#ended = this.#loop();
  }

  /** Finishes and commits running messages within a time limit, and leaves the group. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#ended;
  }

  async #loop(): Promise<void> {
    for (let failures = 0; !this.#stopping.signal.aborted; failures += 1) {
      const beganMs = performance.now();
      try {
        await this.#readAsMember();
      } catch (error) {
        this.#onError(new KafkaError(`the group ${this.#group} reads from Kafka`, error));
      }
      if (performance.now() - beganMs > MAX_BACKOFF_MS) failures = 0;
      await pauseUnless(this.#stopping.signal, backoffMs(failures + 1));
    }
  }

  /** One membership of the group, from joining to leaving it. */
  async #readAsMember(): Promise<void> {
    const consumer = createConsumer(this.#access, this.#group);
    let stream: Stream | undefined;
    try {
      stream = await consumer.consume({
        topics: [...this.#handlers.keys()],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
      });
      await this.#readStream(consumer, stream);
      await within(LEAVE_MS, 'the group was left', consumer.close(true));
    } finally {
      if (stream) cut(stream.connections);
      abandon(consumer);
    }
  }

  /** Returns after `stop`; throws when the membership, a fetch or a commit has failed for good. */
  async #readStream(consumer: EventConsumer, stream: Stream): Promise<void> {
    const stop = this.#stopping.signal;
    const over = new AbortController();
    const end = () => void stream.destroy();
    const breakOff = (error: unknown) => void stream.destroy(new KafkaError('reading was interrupted', error));
    stream.on('error', () => undefined);
    stream.once('close', () => over.abort());
    consumer.on('error', breakOff);
    consumer.on('consumer:heartbeat:stalled', ({ lastError }) => breakOff(lastError ?? 'no heartbeat'));
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();

    const committer = new Committer(consumer, breakOff);
    const lanes = new Lanes<Read>(over.signal, async (read) => {
      const handler = this.#handlers.get(read.topic);
      if (handler && (await this.#deliver(toEvent(read), handler, over.signal))) committer.commit(read);
    });
    try {
      for await (const read of stream) await lanes.take(`${read.topic} ${read.partition}`, read);
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      stop.removeEventListener('abort', end);
      stream.destroy();
      await lanes.finish(HAND_OVER_MS);
      await committer.finish(LAST_COMMIT_MS);
    }
  }

  /** Calls the handler until it succeeds (true), or until reading ends (false). */
  async #deliver(message: EventMessage, handler: EventHandler, over: AbortSignal): Promise<boolean> {
    for (let attempt = 1; !over.aborted; attempt += 1) {
      try {
        await handler(message, attempt);
        return true;
      } catch (error) {
        this.#onError(error, { topic: message.topic, key: message.key, messageId: message.eventId });
        await pauseUnless(over, backoffMs(attempt));
      }
    }
    return false;
  }
}

function createConsumer(access: KafkaAccess, group: string): EventConsumer {
  const consumer = new Consumer<string, string, string, string>({
    ...clientOptions(access, BOUNDS),
    groupId: group,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    heartbeatStallTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxBytes: MAX_FETCH_BYTES,
    maxWaitTime: MAX_FETCH_WAIT_MS,
    deserializers: stringDeserializers,
  });
  consumer.on('error', () => undefined);
  return consumer;
}

/** Messages of other systems may have no key, value or id; the handler checks them. */
function toEvent(read: Read): EventMessage {
  return {
    eventId: read.headers.get(EVENT_ID_HEADER) ?? `${read.topic}-${read.partition}-${read.offset}`,
    topic: read.topic,
    key: read.key ?? '',
    value: read.value ?? '',
    committedAt: instant(Number(read.timestamp)),
    traceparent: read.headers.get(TRACE_HEADER),
  };
}

function backoffMs(attempt: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(attempt - 1, 10), MAX_BACKOFF_MS);
}

async function pauseUnless(stop: AbortSignal, ms: number): Promise<void> {
  await pause(ms, undefined, { signal: stop }).catch(() => undefined);
}
