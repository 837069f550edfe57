import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import type { EventMessage, EventPublisher, EventSubscriber } from '../../src/kernel/events.ts';
import { atEnd } from '../support/at-end.ts';
import { until } from '../support/servers.ts';

export interface LogUnderTest extends EventPublisher, EventSubscriber {
  startReading(): void;
  close(): Promise<void>;
}

interface Taken extends EventMessage {
  readonly attempt: number;
}

const TOPICS = { plain: 'plain', other: 'other', failing: 'failing', shared: 'shared' };
/** Longer than a new group needs before it reads. */
const READ_TIMEOUT_MS = 30_000;

/** What every event log does; `make` returns one that has these topics. */
export function eventLogContract(name: string, make: (topics: readonly string[]) => Promise<LogUnderTest>) {
  describe(`the event log ${name}`, () => {
    const run = randomUUID().slice(0, 8);
    const topic = (of: keyof typeof TOPICS) => `${TOPICS[of]}-${run}`;
    const group = (of: string) => `group-${of}-${run}`;
    const taken: Record<string, Taken[]> = { plain: [], other: [], failing: [], first: [], second: [] };
    let failuresLeft = 2;
    let log: LogUnderTest;

    const keep = (where: string) => async (message: EventMessage, attempt: number) =>
      void taken[where]?.push({ ...message, attempt });

    beforeAll(async () => {
      log = await make(Object.keys(TOPICS).map((of) => topic(of as keyof typeof TOPICS)));
      log.subscribe(group('one'), topic('plain'), keep('plain'));
      log.subscribe(group('one'), topic('other'), keep('other'));
      log.subscribe(group('failing'), topic('failing'), async (message, attempt) => {
        await keep('failing')(message, attempt);
        if (message.value === 'poison' && failuresLeft-- > 0) throw new Error('not now');
      });
      log.subscribe(group('first'), topic('shared'), keep('first'));
      log.subscribe(group('second'), topic('shared'), keep('second'));
      log.startReading();
    });
    atEnd(() => log.close());

    const message = (of: keyof typeof TOPICS, key: string, value: string): EventMessage => ({
      eventId: randomUUID(),
      topic: topic(of),
      key,
      value,
      committedAt: instant(Date.parse('2026-11-24T03:17:15.905Z')),
    });
    /** As the outbox does it: the whole batch again until it is published. */
    const publish = (messages: readonly EventMessage[]) =>
      until('they are published', () =>
        log.publish(messages).then(
          () => true,
          () => false,
        ),
      );
    const takenBy = (where: string, count: number) =>
      until(`${where} took ${count}`, () => (taken[where] ?? []).length >= count && taken[where], READ_TIMEOUT_MS);

    test('it delivers a message as it was published: id, topic, key, value to the byte, time, trace', async () => {
      const odd = message('other', 'ключ-1', '{"name":"Zoë 🎟","amount":149.5,"n":null}\n');
      const traced = { ...odd, eventId: randomUUID(), traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
      await publish([odd, traced]);
      expect(await takenBy('other', 2)).toEqual([
        { ...odd, attempt: 1 },
        { ...traced, attempt: 1 },
      ]);
    });

    test('it delivers the messages of a key in order, also over many batches', async () => {
      const batches = Array.from({ length: 20 }, (_, batch) =>
        Array.from({ length: 30 }, (_, at) => message('plain', `key-${at % 3}`, `${batch * 30 + at}`)),
      );
      for (const batch of batches) await publish(batch);
      const all = batches.flat();
      const came = await takenBy('plain', all.length);
      for (const key of ['key-0', 'key-1', 'key-2']) {
        const values = (of: readonly EventMessage[]) => of.filter((m) => m.key === key).map((m) => m.value);
        expect(values(came)).toEqual(values(all));
      }
    });

    test('it redelivers a message that a subscriber rejects, counts the deliveries, and holds back its key', async () => {
      const messages = ['before', 'poison', 'after'].map((value) => message('failing', 'k', value));
      await publish(messages);
      const came = await until(
        'the last has arrived',
        () => taken.failing?.some(({ value }) => value === 'after') && taken.failing,
        READ_TIMEOUT_MS,
      );
      const ofPoison = came.filter(({ value }) => value === 'poison');
      expect(ofPoison.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      expect(new Set(ofPoison.map(({ eventId }) => eventId))).toEqual(new Set([messages[1]?.eventId]));
      expect(came.findLastIndex(({ value }) => value === 'poison')).toBeLessThan(
        came.findIndex(({ value }) => value === 'after'),
      );
    });

    test('it delivers everything to each group', async () => {
      const messages = Array.from({ length: 10 }, (_, at) => message('shared', `key-${at}`, `${at}`));
      await publish(messages);
      for (const where of ['first', 'second']) {
        const came = await takenBy(where, 10);
        expect(new Set(came.map(({ value }) => value))).toEqual(new Set(messages.map(({ value }) => value)));
      }
    });

    test('it delivers a message twice, with the same id, when it is published twice', async () => {
      const twice = message('other', 'twice', 'twice');
      await publish([twice]);
      await publish([twice]);
      await until(
        'both have arrived',
        () => taken.other?.filter(({ eventId }) => eventId === twice.eventId).length === 2,
        READ_TIMEOUT_MS,
      );
    });
  });
}
