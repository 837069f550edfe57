import { afterEach, describe, expect, test } from 'vitest';
import type { SalesSignal } from '../../src/platform/signal.ts';
import { until } from '../support/servers.ts';

/** A replica's end of the signal, and what it was told. */
export interface SignalUnderTest {
  readonly signal: SalesSignal;
  /** Signals heard so far, that of the beginning included. */
  heard(): number;
  /** Times its connection was lost. */
  lost(): number;
}

export interface SignalsUnderTest {
  open(): Promise<SignalUnderTest>;
  /** Cuts the connections of all that listen. */
  cutListeners(): Promise<void>;
}

/** An end that counts what it is told. */
export function countingEnd(
  open: (told: { onSignal: () => void; onLost: () => void }) => SalesSignal,
): SignalUnderTest {
  const told: ('signal' | 'lost')[] = [];
  const signal = open({ onSignal: () => told.push('signal'), onLost: () => told.push('lost') });
  const count = (what: string) => told.filter((each) => each === what).length;
  return { signal, heard: () => count('signal'), lost: () => count('lost') };
}

/** What a signal of sales does, whoever carries it. */
export function salesSignalContract(name: string, signals: SignalsUnderTest): void {
  describe(`a signal of sales ${name}`, () => {
    const opened: SignalUnderTest[] = [];

    async function listening(): Promise<SignalUnderTest> {
      const end = await signals.open();
      opened.push(end);
      await end.signal.listen();
      await until('it listens', () => end.heard() === 1);
      return end;
    }

    afterEach(async () => {
      for (const { signal } of opened.splice(0)) await signal.close();
    });

    test('is heard by every replica, the one that sends too, once each', async () => {
      const ends = [await listening(), await listening(), await listening()];
      for (let sent = 1; sent <= 5; sent += 1) {
        await ends[sent % 2]?.signal.send();
        for (const end of ends) await until(`signal ${sent} is heard`, () => end.heard() === 1 + sent);
      }
    });

    test('of which many are sent at once is heard after the last of them', async () => {
      const [one, other] = [await listening(), await listening()];
      await Promise.all(Array.from({ length: 50 }, () => one.signal.send()));
      const before = other.heard();
      await one.signal.send();
      await until('it is heard', () => other.heard() > Math.max(1, before));
    });

    test('can be sent by one that does not listen, which hears nothing', async () => {
      const deaf = await signals.open();
      opened.push(deaf);
      const end = await listening();
      await deaf.signal.send();
      await until('it is heard', () => end.heard() === 2);
      expect(deaf.heard()).toBe(0);
    });

    test('is listened to by one connection, however often that is asked for', async () => {
      const end = await listening();
      for (let turn = 0; turn < 3; turn += 1) await end.signal.listen();
      await end.signal.send();
      await until('it is heard', () => end.heard() === 2);
      await end.signal.send();
      await until('the next one, too', () => end.heard() === 3);
    });

    test('says that its connection is lost, and is heard again after the next turn', async () => {
      const ends = [await listening(), await listening()];
      await signals.cutListeners();
      for (const end of ends) await until('it knows that it is deaf', () => end.lost() === 1);
      for (const end of ends) await end.signal.listen();
      for (const end of ends) await until('it looks at what it may have missed', () => end.heard() === 2);
      await ends[0]?.signal.send();
      for (const end of ends) await until('it hears', () => end.heard() === 3);
    });

    test('is not heard after its end, nor is that a connection lost', async () => {
      const [gone, end] = [await listening(), await listening()];
      await gone.signal.close();
      await end.signal.send();
      await until('it is heard', () => end.heard() === 2);
      expect([gone.heard(), gone.lost()]).toEqual([1, 0]);
    });
  });
}
