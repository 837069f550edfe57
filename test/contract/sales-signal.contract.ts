import { afterEach, describe, expect, test } from 'vitest';
import type { SalesSignal } from '../../src/platform/signal.ts';
import { until } from '../support/servers.ts';

/** A replica’s end of the signal, and what it received. */
export interface SignalUnderTest {
  readonly signal: SalesSignal;
  /** Signals received so far, including the one at the beginning. */
  received(): number;
  /** Number of times its connection was lost. */
  lost(): number;
}

export interface SignalsUnderTest {
  open(): Promise<SignalUnderTest>;
  /** Cuts the connections of all listeners. */
  cutListeners(): Promise<void>;
}

/** An end that counts what it receives. */
export function countingEnd(
  open: (callbacks: { onSignal: () => void; onLost: () => void }) => SalesSignal,
): SignalUnderTest {
  const events: ('signal' | 'lost')[] = [];
  const signal = open({ onSignal: () => events.push('signal'), onLost: () => events.push('lost') });
  const count = (what: string) => events.filter((each) => each === what).length;
  return { signal, received: () => count('signal'), lost: () => count('lost') };
}

/** What a signal of sales does, whatever transport it uses. */
export function salesSignalContract(name: string, signals: SignalsUnderTest): void {
  describe(`a signal of sales ${name}`, () => {
    const opened: SignalUnderTest[] = [];

    async function listening(): Promise<SignalUnderTest> {
      const end = await signals.open();
      opened.push(end);
      await end.signal.listen();
      await until('it listens', () => end.received() === 1);
      return end;
    }

    afterEach(async () => {
      for (const { signal } of opened.splice(0)) await signal.close();
    });

    test('it reaches every replica once, including the one that sends it', async () => {
      const ends = [await listening(), await listening(), await listening()];
      for (let sent = 1; sent <= 5; sent += 1) {
        await ends[sent % 2]?.signal.send();
        for (const end of ends) await until(`signal ${sent} is received`, () => end.received() === 1 + sent);
      }
    });

    test('it is received after the last of many that are sent at once', async () => {
      const [one, other] = [await listening(), await listening()];
      await Promise.all(Array.from({ length: 50 }, () => one.signal.send()));
      const before = other.received();
      await one.signal.send();
      await until('it is received', () => other.received() > Math.max(1, before));
    });

    test('it can be sent by a replica that does not listen, which receives nothing', async () => {
      const silent = await signals.open();
      opened.push(silent);
      const end = await listening();
      await silent.signal.send();
      await until('it is received', () => end.received() === 2);
      expect(silent.received()).toBe(0);
    });

    test('it uses one connection to listen, however often that is requested', async () => {
      const end = await listening();
      for (let turn = 0; turn < 3; turn += 1) await end.signal.listen();
      await end.signal.send();
      await until('it is received', () => end.received() === 2);
      await end.signal.send();
      await until('the next one is received, too', () => end.received() === 3);
    });

    test('it reports a lost connection, and is received again after the next turn', async () => {
      const ends = [await listening(), await listening()];
      await signals.cutListeners();
      for (const end of ends) await until('it knows that its connection is lost', () => end.lost() === 1);
      for (const end of ends) await end.signal.listen();
      for (const end of ends) await until('it looks for what it may have missed', () => end.received() === 2);
      await ends[0]?.signal.send();
      for (const end of ends) await until('it receives', () => end.received() === 3);
    });

    test('it is not received after its end was closed, and closing is not reported as a lost connection', async () => {
      const [closed, end] = [await listening(), await listening()];
      await closed.signal.close();
      await end.signal.send();
      await until('it is received', () => end.received() === 2);
      expect([closed.received(), closed.lost()]).toEqual([1, 0]);
    });
  });
}
