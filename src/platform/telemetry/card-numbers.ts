const FEWEST_DIGITS = 13;
const MOST_DIGITS = 19;
/** Card numbers are written in groups of up to this many digits, or as one group; UUIDs have longer groups. */
const LONGEST_GROUP = 6;
const BASE = 10;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
/** Digits with at most one space or hyphen between them, and no letter next to them. */
const DIGITS = /(?<!\w)\d(?:[ -]?\d)*(?!\w)/g;

/** Replaces every card number in `text` with `instead`: 13 to 19 digits with a valid check digit that are not part of a UUID. */
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

/** A run of digits may contain more than the card number, such as its expiry date, so the start of each group is tried. */
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

/** The last group of the card number that starts with group `first`; undefined when there is none. */
function lastGroupOfCard(parts: readonly string[], first: number): number | undefined {
  let digits = '';
  for (let last = first; last < parts.length && digits.length < MOST_DIGITS; last += 2) {
    const group = parts[last] ?? '';
    const isGrouped = last > first;
    if (isGrouped && (group.length > LONGEST_GROUP || (parts[first] ?? '').length > LONGEST_GROUP)) return undefined;
    digits += group;
    if (isCard(digits)) return last;
  }
  return undefined;
}

/** Card numbers do not begin with 0 or 1; timestamps in milliseconds do. */
function isCard(digits: string): boolean {
  if (digits.length < FEWEST_DIGITS || digits.length > MOST_DIGITS || /^[01]/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 1 : 2);
    return total + (value >= BASE ? value - BASE + 1 : value);
  }, 0);
  return sum % BASE === 0;
}
