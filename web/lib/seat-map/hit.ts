import { type PlacedBlock, type Room, SEAT_PITCH } from './room.ts';

/** What is at a point of the room. */
export type Hit =
  | { readonly kind: 'seat'; readonly at: number }
  | { readonly kind: 'area'; readonly block: PlacedBlock }
  | { readonly kind: 'nothing' };

/** The seat whose square contains the point, else the standing area. */
export function hitAt(room: Room, { x, y }: { readonly x: number; readonly y: number }): Hit {
  const half = SEAT_PITCH / 2;
  for (const { seats } of room.rows) {
    const first = room.seats[seats[0] ?? -1];
    if (!first || Math.abs(first.y - y) > half) continue;
    const at = seats.find((seat) => Math.abs((room.seats[seat]?.x ?? Number.NaN) - x) <= half);
    if (at !== undefined) return { kind: 'seat', at };
  }
  const block = room.blocks.find((area) => area.type === 'standing_capacity' && isWithin(area, x, y));
  return block ? { kind: 'area', block } : { kind: 'nothing' };
}

function isWithin({ x, y, width, height }: PlacedBlock, pointX: number, pointY: number): boolean {
  return pointX >= x && pointX <= x + width && pointY >= y && pointY <= y + height;
}
