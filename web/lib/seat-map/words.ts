import { t } from '../i18n/i18n.svelte.ts';
import { money } from '../i18n/intl.ts';
import type { Room } from './room.ts';
import type { SeatState } from './states.svelte.ts';

/** Everything about a seat in one line: "Row A, seat 14, VIP, LKR 12,500, available". */
export function seatName(room: Room, at: number, state: SeatState, currency: string): string {
  const seat = room.seats[at];
  if (!seat) return '';
  const row = seat.row === undefined ? undefined : room.rows[seat.row];
  const block = room.blocks[seat.block];
  const place = row
    ? t('seatInRow', { block: block?.name ?? '', row: row.label, seat: seat.label })
    : t('seatInArea', { block: block?.name ?? '', seat: seat.label });
  const price = seat.tier ? [seat.tier.name, priceOf(seat.tier.price, currency)] : [];
  return [place, ...price, t(`state_${state}`)].join(', ');
}

/** A price, or that there is none to pay. */
export function priceOf(amount: number, currency: string): string {
  return amount === 0 ? t('free') : money(amount, currency);
}
