import { language } from './i18n.svelte.ts';

/** Money in the page's language. `amount` is in major units, as the API has it; `currency` is ISO 4217. */
export function money(amount: number, currency: string): string {
  const isWhole = Number.isInteger(amount);
  return new Intl.NumberFormat(language(), {
    style: 'currency',
    currency: currency.toUpperCase(),
    ...(isWhole ? { minimumFractionDigits: 0 } : {}),
  }).format(amount);
}

/** A day with its time and zone, as the event's place has it. `time` is RFC 3339. */
export function dateTime(time: string, timeZone: string): string {
  return new Intl.DateTimeFormat(language(), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone,
    timeZoneName: 'short',
  }).format(new Date(time));
}

/** Day and month alone, for a list. */
export function dayMonth(time: string, timeZone: string): { readonly day: string; readonly month: string } {
  const part = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language(), { timeZone, ...options }).format(new Date(time));
  return { day: part({ day: 'numeric' }), month: part({ month: 'short' }) };
}

/** Minutes and seconds of a countdown: `4:05`. */
export function countdown(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  const two = new Intl.NumberFormat(language(), { minimumIntegerDigits: 2 });
  return `${new Intl.NumberFormat(language()).format(Math.floor(left / 60))}:${two.format(left % 60)}`;
}
