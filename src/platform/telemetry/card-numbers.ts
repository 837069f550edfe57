const FEWEST_DIGITS = 13;
const MOST_DIGITS = 19;
/** Cards are written in groups of up to so many digits, or in one; UUIDs have longer groups among shorter ones. */
const LONGEST_GROUP = 6;
const BASE = 10;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
/** Digits with at most one blank or hyphen between them, which no letter touches. */
const DIGITS = /(?<!\w)\d(?:[ -]?\d)*(?!\w)/g;

/** `text` with `instead` for every card number in it: 13 to 19 digits that pass the check of their last, no part of a UUID. */
export function cutCardNumbers(text: string, instead: string): string {
  let left = '';
  let from = 0;
  for (const { 0: uuid, index } of text.matchAll(UUID)) {
    left += cutBetween(text.slice(from, index), instead) + uuid;
    from = index + uuid.length;
  }
  return left + cutBetween(text.slice(from), instead);
}

function cutBetween(text: string, instead: string): string {
  return text.replace(DIGITS, (run) => cutIn(run, instead));
}

/** A run of digits may hold more than the card, such as its expiry date: each place where a group begins is tried. */
function cutIn(run: string, instead: string): string {
  const parts = run.split(/([ -])/);
  for (let first = 0; first < parts.length; first += 2) {
    const last = lastGroupOfCard(parts, first);
    if (last === undefined) continue;
    const after = parts.slice(last + 1).join('');
    return parts.slice(0, first).join('') + instead + cutIn(after, instead);
  }
  return run;
}

/** Where the card that begins with this group ends; undefined when none does. */
function lastGroupOfCard(parts: readonly string[], first: number): number | undefined {
  let digits = '';
  for (let last = first; last < parts.length && digits.length < MOST_DIGITS; last += 2) {
    const group = parts[last] ?? '';
    const isGrouped = last > first;
    if (isGrouped && (group.length > LONGEST_GROUP || (parts[first] ?? '').length > LONGEST_GROUP))
      return undefined;
    digits += group;
    if (isCard(digits)) return last;
  }
  return undefined;
}

/** No scheme that is sold with begins with 0 or 1; milliseconds since 1970 do. */
function isCard(digits: string): boolean {
  if (digits.length < FEWEST_DIGITS || digits.length > MOST_DIGITS || /^[01]/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 1 : 2);
    return total + (value >= BASE ? value - BASE + 1 : value);
  }, 0);
  return sum % BASE === 0;
}
