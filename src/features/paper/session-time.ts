import type { Instant } from '../../kernel/clock.ts';

/** A time for people: `Tuesday 15 December 2026, 19:30 (Asia/Colombo, GMT+05:30)`. */
export function sayTime(at: Instant, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? '';
  const day = `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}`;
  const offset = part('timeZoneName');
  const zoneInWords = zone === offset || zone === 'UTC' ? 'UTC' : `${zone}, ${offset}`;
  return `${day}, ${part('hour')}:${part('minute')} (${zoneInWords})`;
}
