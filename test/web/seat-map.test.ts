import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Block, Seat, SeatingMap, Tier } from '../../web/lib/catalogue/catalogue.ts';
import { hitAt } from '../../web/lib/seat-map/hit.ts';
import { roomOf, SEAT_PITCH, type Step, stepFrom } from '../../web/lib/seat-map/room.ts';
import { pan, reveal, show, toRoom, wholeRoom, zoomAt } from '../../web/lib/seat-map/view.ts';

const GOLD: Tier = { id: 'gold', name: 'Gold', price: 7_500, color: '#daa520' };
const VIP: Tier = { id: 'vip', name: 'VIP', price: 12_500, color: '#ffd700' };

function seats(prefix: string, count: number, tier = GOLD): Seat[] {
  return Array.from({ length: count }, (_, at) => ({ id: `${prefix}${at}`, label: `${prefix}${at + 1}`, tier }));
}

function grid(name: string, x: number, y: number, rows: readonly number[], tier = GOLD): Block {
  return {
    id: name,
    name,
    type: 'seated_grid',
    position: { x, y },
    rows: rows.map((count, at) => ({
      id: `${name}${at}`,
      label: `${at + 1}`,
      seats: seats(`${name}-${at}-`, count, tier),
    })),
  };
}

const STAGE: Block = {
  id: 's',
  name: 'Stage',
  type: 'non_sellable',
  position: { x: 40, y: 0 },
  width: 100,
  height: 30,
};
const FLOOR: Block = {
  id: 'f',
  name: 'Floor',
  type: 'standing_capacity',
  position: { x: 300, y: 60 },
  width: 80,
  height: 80,
  capacity: 3,
  seats: seats('floor', 3, VIP),
};
const MAP: SeatingMap = { name: 'Hall', layout: { blocks: [STAGE, grid('Left', 0, 60, [4, 6]), FLOOR] } };

describe('a room', () => {
  test('has every seat of the layout once, in its row or its area', () => {
    const room = roomOf(MAP);
    expect(room.seats.map(({ label }) => label)).toEqual([
      ...['1', '2', '3', '4'].map((seat) => `Left-0-${seat}`),
      ...['1', '2', '3', '4', '5', '6'].map((seat) => `Left-1-${seat}`),
      ...['1', '2', '3'].map((place) => `floor${place}`),
    ]);
    expect(room.rows.map((row) => row.seats.length)).toEqual([4, 6]);
    expect(room.blocks.map(({ type, seats: own }) => [type, own.length])).toEqual([
      ['non_sellable', 0],
      ['seated_grid', 10],
      ['standing_capacity', 3],
    ]);
    expect(room.tiers.map(({ name }) => name)).toEqual(['VIP', 'Gold']);
  });

  test('stretches a layout whose blocks stand closer than its seats are wide, so that no block covers another', () => {
    const close = roomOf({ name: 'Close', layout: { blocks: [grid('A', 0, 0, [30]), grid('B', 330, 0, [30])] } });
    const [a, b] = close.blocks;
    expect((a?.x ?? 0) + (a?.width ?? 0)).toBeLessThanOrEqual(b?.x ?? 0);
    expect((close.seats[1]?.x ?? 0) - (close.seats[0]?.x ?? 0)).toBe(SEAT_PITCH);
  });

  test('lies within its bounds, wherever the layout puts its blocks', () => {
    const place = fc.record({ x: fc.integer({ min: -500, max: 500 }), y: fc.integer({ min: -500, max: 500 }) });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (blocks) => {
          const room = roomOf({
            name: '',
            layout: { blocks: blocks.map(([{ x, y }, rows], at) => grid(`${at}`, x, y, rows)) },
          });
          for (const { x, y } of room.seats) {
            expect(x > 0 && x < room.width && y > 0 && y < room.height).toBe(true);
          }
        },
      ),
    );
  });

  test('without blocks, or with a grid without rows, is empty and has a size', () => {
    for (const blocks of [[], [grid('Empty', 0, 0, [])]]) {
      const room = roomOf({ name: '', layout: { blocks } });
      expect(room.seats).toEqual([]);
      expect(room.width > 0 && room.height > 0).toBe(true);
    }
  });
});

describe('the keys', () => {
  const room = roomOf(MAP);
  const at = (label: string) => room.seats.findIndex((seat) => seat.label === label);

  test.each<[string, Step, string]>([
    ['Left-0-2', 'left', 'Left-0-1'],
    ['Left-0-1', 'left', 'Left-0-1'],
    ['Left-0-3', 'right', 'Left-0-4'],
    ['Left-0-4', 'right', 'Left-0-4'],
    ['Left-1-4', 'row start', 'Left-1-1'],
    ['Left-1-4', 'row end', 'Left-1-6'],
    ['Left-0-3', 'down', 'Left-1-3'],
    ['Left-1-6', 'up', 'Left-0-4'],
    ['Left-0-1', 'up', 'Left-0-1'],
    ['Left-0-1', 'rows down', 'Left-1-1'],
  ])('lead from %s with "%s" to %s', (from, step, to) => {
    expect(room.seats[stepFrom(room, at(from), step)]?.label).toBe(to);
  });

  test('reach every seat of a room with several blocks', () => {
    const hall = roomOf({
      name: '',
      layout: { blocks: [grid('A', 0, 0, [3, 3]), grid('B', 100, 10, [2, 2]), grid('C', 0, 100, [7])] },
    });
    const reached = new Set([0]);
    for (const from of reached)
      for (const step of ['left', 'right', 'up', 'down'] as const) reached.add(stepFrom(hall, from, step));
    expect(reached.size).toBe(hall.seats.length);
  });
});

describe('a tap', () => {
  const room = roomOf(MAP);

  test('hits the seat whose middle it is at, for every seat that has a place', () => {
    for (const seat of room.seats.filter(({ row }) => row !== undefined))
      expect(hitAt(room, seat)).toEqual({ kind: 'seat', at: seat.at });
  });

  test('hits a standing area inside it, and nothing beside everything', () => {
    const floor = room.blocks[2];
    expect(hitAt(room, { x: (floor?.x ?? 0) + 5, y: (floor?.y ?? 0) + 5 })).toEqual({ kind: 'area', block: floor });
    expect(hitAt(room, { x: 1, y: 1 })).toEqual({ kind: 'nothing' });
  });
});

describe('the view', () => {
  const room = { width: 1_000, height: 800 };
  const window = { width: 400, height: 300 };
  const moves = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('pan' as const),
        dx: fc.integer({ min: -2_000, max: 2_000 }),
        dy: fc.integer({ min: -2_000, max: 2_000 }),
      }),
      fc.record({
        kind: fc.constant('zoom' as const),
        factor: fc.double({ min: 0.1, max: 10, noNaN: true }),
        x: fc.integer({ min: 0, max: 400 }),
        y: fc.integer({ min: 0, max: 300 }),
      }),
    ),
  );

  test('never loses the room, however it is moved', () => {
    fc.assert(
      fc.property(moves, (steps) => {
        let view = wholeRoom(room, window);
        for (const step of steps)
          view =
            step.kind === 'pan'
              ? pan(view, step.dx, step.dy, room, window)
              : zoomAt(view, step.factor, step, room, window);
        const middle = toRoom(view, { x: window.width / 2, y: window.height / 2 });
        expect(middle.x >= 0 && middle.x <= room.width && middle.y >= 0 && middle.y <= room.height).toBe(true);
      }),
    );
  });

  test('keeps the point under the fingers while it zooms in', () => {
    const view = zoomAt(wholeRoom(room, window), 3, { x: 200, y: 150 }, room, window);
    const point = { x: 180, y: 140 };
    const [before, after] = [toRoom(view, point), toRoom(zoomAt(view, 1.5, point, room, window), point)];
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  test('shows a part of the room whole, and moves to reveal a seat only when it is out of sight', () => {
    const part = { x: 600, y: 500, width: 100, height: 80 };
    const view = show(part, room, window);
    const seen = toRoom(view, { x: 0, y: 0 });
    expect(seen.x <= part.x && seen.y <= part.y).toBe(true);
    expect(reveal(view, { x: 650, y: 540 }, 20, room, window)).toBe(view);
    const moved = reveal(view, { x: 100, y: 100 }, 20, room, window);
    expect(toRoom(moved, { x: 0, y: 0 }).x).toBeLessThan(100);
  });
});
