import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { later } from '../../../src/kernel/clock.ts';
import { as, type OrderId, type SeatId, type SessionId } from '../../../src/kernel/ids.ts';
import { seatHoldsContract } from '../../contract/seat-holds.contract.ts';
import { sql } from '../../support/databases.ts';
import { type OpenedRedis, openTestRedis } from '../../support/redis-opened.ts';
import { type RedisServerProcess, startRedis, startRedisCluster } from '../../support/redis-server.ts';
import { until } from '../../support/servers.ts';

let server: RedisServerProcess;
let cluster: readonly RedisServerProcess[];
let single: OpenedRedis;
let clustered: OpenedRedis;

beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  single = await openTestRedis({ REDIS_ADDR: server.address });
  clustered = await openTestRedis({ REDIS_ADDR: cluster.map(({ address }) => address).join(',') });
});

seatHoldsContract('in Redis', async () => single);
seatHoldsContract('in a Redis Cluster', async () => clustered);

const newOrder = () => as<OrderId>(randomUUID());
const newSession = () => as<SessionId>(randomUUID());
const newSeat = () => as<SeatId>(randomUUID());
const soon = (ms: number) => later(single.clock.now(), ms);
const HELD = { outcome: 'held' };

describe('keys of holds', () => {
  test('on a single server they are the seats, with the order as value, for the time of the hold', async () => {
    const [session, seat, order] = [newSession(), newSeat(), newOrder()];
    await single.holds.hold(session, [seat], order, soon(15_000));
    expect(await server.cli('get', `seat_lock:${seat}`)).toBe(order);
    const life = async () => Number(await server.cli('pttl', `seat_lock:${seat}`));
    expect(await life()).toBeGreaterThan(14_000);
    expect(await life()).toBeLessThanOrEqual(15_000);
    await single.holds.extend(session, [seat], order, soon(300_000));
    expect(await life()).toBeGreaterThan(299_000);
    await single.holds.release(session, [seat], order);
    expect(await server.cli('exists', `seat_lock:${seat}`)).toBe('0');
  });

  test('on a cluster they have the session as hash tag, so that an order’s seats are on one node', async () => {
    const [session, order] = [newSession(), newOrder()];
    const seats = Array.from({ length: 10 }, newSeat);
    expect(await clustered.holds.hold(session, seats, order, soon(15_000))).toEqual(HELD);
    const [first] = cluster as [RedisServerProcess];
    const found = await Promise.all(seats.map((seat) => first.cli('-c', 'get', `seat_lock:{${session}}:${seat}`)));
    expect(new Set(found)).toEqual(new Set([order]));
  });

  test('on a cluster they are found through any one node', async () => {
    const [first] = cluster as [RedisServerProcess];
    const opened = await openTestRedis({ REDIS_ADDR: first.address, REDIS_CLUSTER: 'true' });
    for (let session = 0; session < 20; session += 1) {
      expect(await opened.holds.hold(newSession(), [newSeat()], newOrder(), soon(15_000))).toEqual(HELD);
    }
    expect(opened.answers).toEqual(Array(20).fill('held'));
    await opened.check(900);
  });
});

test('a server that has lost the scripts receives them again', async () => {
  const seat = newSeat();
  await server.cli('script', 'flush');
  expect(await single.holds.hold(newSession(), [seat], newOrder(), soon(15_000))).toEqual(HELD);
  expect(single.answers.at(-1)).toBe('held');
  expect(await server.cli('exists', `seat_lock:${seat}`)).toBe('1');
});

describe('a conflicting hold', () => {
  const plant = (seat: SeatId, holder: string, leftMs: number) =>
    server.cli('set', `seat_lock:${seat}`, holder, 'PX', String(leftMs));
  const ask = (session: SessionId, seat: SeatId) => single.holds.hold(session, [seat], newOrder(), soon(15_000));

  test('it is taken over when its order was cancelled', async () => {
    const [session, seat, order] = [newSession(), newSeat(), newOrder()];
    await single.write(order, session, [seat]);
    await plant(seat, order, 200_000);
    expect(await ask(session, seat)).toEqual({ outcome: 'taken', seatIds: [seat] });
    await sql(single.dsn, "UPDATE tickets SET voided_at = now(), void_reason = 'order' WHERE order_id = $1", [order]);
    await sql(
      single.dsn,
      "UPDATE orders SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'buyer' WHERE order_id = $1",
      [order],
    );
    await until('it is free', async () => (await ask(session, seat)).outcome === 'held', 2_000);
    expect(single.answers.at(-1)).toBe('taken_over');
    expect(await server.cli('get', `seat_lock:${seat}`)).not.toBe(order);
  });

  test('it counts while its order is being changed, and no longer', async () => {
    const [session, seat, order] = [newSession(), newSeat(), newOrder()];
    await single.write(order, session, [newSeat()]);
    await plant(seat, order, 14_000);
    expect(await ask(session, seat)).toMatchObject({ outcome: 'taken' });
    await plant(seat, order, 200_000);
    await until('it is free', async () => (await ask(session, seat)).outcome === 'held', 2_000);
  });

  test.each([randomUUID(), 'unknown'])(
    'it counts while its order is not saved yet, and no longer: %s',
    async (holder) => {
      const [session, seat, orphan] = [newSession(), newSeat(), newSeat()];
      await plant(seat, holder, 14_000);
      expect(await ask(session, seat)).toMatchObject({ outcome: 'taken' });
      await plant(seat, holder, 200_000);
      await until('it is free', async () => (await ask(session, seat)).outcome === 'held', 2_000);
      await server.cli('set', `seat_lock:${orphan}`, holder);
      expect(await ask(session, orphan)).toEqual(HELD);
      expect(Number(await server.cli('pttl', `seat_lock:${orphan}`))).toBeLessThanOrEqual(15_000);
    },
  );

  test('it does not free a sold seat when it is lost', async () => {
    const [session, seat, order] = [newSession(), newSeat(), newOrder()];
    await single.write(order, session, [seat]);
    await plant(seat, newOrder(), 200_000);
    expect(await ask(session, seat)).toMatchObject({ outcome: 'taken' });
  });
});

test('without Redis, seats with a live ticket are refused, and others are decided by PostgreSQL', async () => {
  const redis = await startRedis();
  const { holds, write, answers } = await openTestRedis({ REDIS_ADDR: redis.address });
  const [session, sold, free] = [newSession(), newSeat(), newSeat()];
  await write(newOrder(), session, [sold]);
  await redis.kill();
  expect(await holds.hold(session, [free, sold], newOrder(), soon(15_000))).toEqual({
    outcome: 'taken',
    seatIds: [sold],
  });
  expect(await holds.hold(session, [free], newOrder(), soon(15_000))).toEqual(HELD);
  expect(answers).toEqual(['taken', 'undecided']);
});
