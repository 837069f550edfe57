import { expect, test } from 'vitest';
import { type SessionTimes, SessionTimesCache } from '../../../src/features/door/session-times.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type SessionId } from '../../../src/kernel/ids.ts';

const sessionId = as<SessionId>('session');

/** A catalogue whose answers the test sets, and the session times that come of them. */
function catalogue() {
  const asked: PromiseWithResolvers<SessionTimes | undefined>[] = [];
  let now = 0;
  const session = () => {
    const answer = Promise.withResolvers<SessionTimes | undefined>();
    asked.push(answer);
    return answer.promise;
  };
  const times = new SessionTimesCache({ session }, { now: () => instant(now) });
  const startsAt = (ms: number) => ({ startsAt: instant(ms), endsAt: undefined });
  const at = (ms: number) => {
    now = ms;
  };
  return { asked, times, startsAt, at };
}

test('concurrent callers ask the catalogue once, and the times are refreshed in the background after a minute', async () => {
  const { asked, times, startsAt, at } = catalogue();
  const first = [times.of(sessionId), times.of(sessionId)];
  asked[0]?.resolve(startsAt(7));
  expect(await Promise.all(first)).toEqual([startsAt(7), startsAt(7)]);
  at(59_999);
  expect(await times.of(sessionId)).toEqual(startsAt(7));
  expect(asked).toHaveLength(1);
  at(60_000);
  expect(await times.of(sessionId)).toEqual(startsAt(7));
  expect(await times.of(sessionId)).toEqual(startsAt(7));
  expect(asked).toHaveLength(2);
  asked[1]?.resolve(startsAt(8));
  await new Promise((done) => setImmediate(done));
  expect(await times.of(sessionId)).toEqual(startsAt(8));
});

test('while the catalogue is unavailable, known times are kept and unknown ones stay unknown', async () => {
  const { asked, times, startsAt, at } = catalogue();
  const unknown = times.of(sessionId);
  asked[0]?.reject(new Error('unavailable'));
  expect(await unknown).toBeUndefined();
  at(60_000);
  expect(await times.of(sessionId)).toBeUndefined();
  asked[1]?.resolve(startsAt(7));
  await new Promise((done) => setImmediate(done));
  at(120_000);
  expect(await times.of(sessionId)).toEqual(startsAt(7));
  asked[2]?.reject(new Error('unavailable'));
  await new Promise((done) => setImmediate(done));
  expect(await times.of(sessionId)).toEqual(startsAt(7));
});

test('a catalogue that does not answer delays the scans only for a moment', async () => {
  const { times } = catalogue();
  expect(await times.of(sessionId)).toBeUndefined();
});
