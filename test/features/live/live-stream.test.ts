import { describe, expect, test } from 'vitest';
import { LiveStream } from '../../../src/features/live/live-stream.ts';
import { MAX_BUFFERED_BYTES, MAX_TURN_BYTES } from '../../../src/features/live/stream.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type EventId } from '../../../src/kernel/ids.ts';
import type { EventSink } from '../../../src/platform/http/event-stream.ts';

/** A connection whose reader takes nothing until the test lets it. */
function stalledSink() {
  const state = { buffered: 0, most: 0, isCut: false, isEnded: false };
  const drains: (() => void)[] = [];
  const sink: EventSink = {
    write(frames) {
      state.buffered += Buffer.byteLength(frames);
      state.most = Math.max(state.most, state.buffered);
    },
    bufferedBytes: () => state.buffered,
    drained: () => new Promise<void>((done) => void drains.push(done)),
    end() {
      state.isEnded = true;
    },
    cut() {
      state.isCut = true;
      state.buffered = 0;
    },
  };
  const take = () => {
    state.buffered = 0;
    for (const done of drains.splice(0)) done();
  };
  return { sink, state, take };
}

const open = (sink: EventSink) =>
  new LiveStream(sink, {
    scope: { kind: 'event', id: as<EventId>('e') },
    who: { userId: as('u'), isAdmin: false, scopes: [], expiresAt: instant(1_000_000) },
    after: 7,
    now: instant(0),
  });

describe('a reader that takes nothing', () => {
  test('it is cut, and never buffers more than the bound and one turn', () => {
    const { sink, state } = stalledSink();
    const stream = open(sink);
    const turn = Buffer.alloc(MAX_TURN_BYTES);
    for (let at = 8; at < 1_000; at += 1) stream.send(turn, at);
    expect(state.isCut).toBe(true);
    expect(stream.phase).toBe('ended');
    expect(state.most).toBeGreaterThan(MAX_BUFFERED_BYTES / 2);
    expect(state.most).toBeLessThanOrEqual(MAX_BUFFERED_BYTES + MAX_TURN_BYTES);
  });

  test('it is cut after a minute, even if little is buffered for it', () => {
    const { sink, state } = stalledSink();
    const stream = open(sink);
    stream.upkeep(instant(59_999));
    expect(state.isCut).toBe(false);
    stream.upkeep(instant(60_000));
    expect(state.isCut).toBe(true);
  });

  test('it is cut when it does not take the last message either', () => {
    const { sink, state } = stalledSink();
    const stream = open(sink);
    stream.close('stopping');
    expect(state).toMatchObject({ isEnded: true, isCut: false });
    stream.upkeep(instant(60_000));
    expect(state.isCut).toBe(true);
  });
});

test('catching up waits for the reader, and continues when the reader has taken what was sent', async () => {
  const { sink, state, take } = stalledSink();
  const stream = open(sink);
  stream.send(Buffer.alloc(MAX_BUFFERED_BYTES), 8);
  let hasRoom = false;
  const room = stream.room().then(() => {
    hasRoom = true;
  });
  await Promise.resolve();
  expect(hasRoom).toBe(false);
  take();
  await room;
  expect(state.isCut).toBe(false);
});

test('an ended stream sends nothing more', () => {
  const { sink, state } = stalledSink();
  const stream = open(sink);
  stream.close('not_owner');
  const said = state.most;
  stream.send(Buffer.alloc(10), 9);
  stream.sendGap(10);
  stream.close('stopping');
  stream.upkeep(instant(15_000));
  expect(state.most).toBe(said);
});
