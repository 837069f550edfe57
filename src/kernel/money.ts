/**
 * Money is an integer of minor units, never a float: a number on the wire such as 149.99 is read through its decimal text,
 * so that it becomes 14999 and not 14998.
 */
declare const moneyBrand: unique symbol;

/** A whole number of minor units (cents) of the service's one currency; a safe integer. */
export type Money = number & { readonly [moneyBrand]: true };

/** https://docs.stripe.com/currencies#zero-decimal */
const ZERO_DECIMAL = new Set([
  'bif',
  'clp',
  'djf',
  'gnf',
  'jpy',
  'kmf',
  'krw',
  'mga',
  'pyg',
  'rwf',
  'vnd',
  'vuv',
  'xaf',
  'xof',
  'xpf',
]);
/** https://docs.stripe.com/currencies#three-decimal */
const THREE_DECIMAL = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);

export const ZERO = 0 as Money;
/** Highest price of a ticket, in minor units. The sum of ten thousand of them is a safe integer. */
export const HIGHEST_PRICE = 100_000_000_000 as Money;

/** Converts minor units to money. Throws a RangeError for a value that is not a safe integer: a bug or an absurd price. */
export function money(minorUnits: number): Money {
  if (!Number.isSafeInteger(minorUnits)) throw new RangeError(`not a whole amount of minor units: ${minorUnits}`);
  return minorUnits as Money;
}

/** Longer texts are rejected without parsing; the longest JSON number is well below this. */
const MAX_AMOUNT_CHARS = 64;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i;

/** A currency, and the exact conversions between its minor units and amounts of major units. */
export class Currency {
  /** ISO 4217 code in lower case, as Stripe spells it. */
  readonly code: string;
  /** Digits after the decimal point: 2 for LKR, 0 for JPY, 3 for KWD. */
  readonly exponent: 0 | 2 | 3;
  /**
   * Charged amounts are multiples of this many minor units. Stripe requires 0 as the last digit of a three-decimal amount:
   * https://docs.stripe.com/currencies#three-decimal
   */
  readonly chargeStep: 1 | 10;

  /** `code` is an ISO 4217 code: three letters, in either case. */
  constructor(code: string) {
    this.code = code.toLowerCase();
    if (ZERO_DECIMAL.has(this.code)) this.exponent = 0;
    else this.exponent = THREE_DECIMAL.has(this.code) ? 3 : 2;
    this.chargeStep = this.exponent === 3 ? 10 : 1;
  }

  /**
   * Converts an amount of major units, a JSON number or decimal text, without rounding. Returns undefined when it is not a
   * number, has more decimals than the currency, or does not fit a safe integer.
   */
  fromMajor(amount: number | string): Money | undefined {
    const text = String(amount);
    const match = text.length <= MAX_AMOUNT_CHARS ? DECIMAL.exec(text.trim()) : null;
    if (!match) return undefined;
    const [, sign = '', whole = '0', fraction = '', exponentText = '0'] = match;
    const scale = Number(exponentText) + this.exponent - fraction.length;
    const digits = BigInt(whole + fraction);
    const divisor = scale < 0 ? 10n ** BigInt(-scale) : 1n;
    if (digits % divisor !== 0n) return undefined;
    const minor = scale < 0 ? digits / divisor : digits * 10n ** BigInt(scale);
    const signed = Number(sign === '-' ? -minor : minor);
    return Number.isSafeInteger(signed) ? ((signed + 0) as Money) : undefined;
  }

  /** Reads a NUMERIC column of major units. Throws when the value does not fit the currency: CURRENCY was changed. */
  fromDecimal(decimal: string): Money {
    const amount = this.fromMajor(decimal);
    if (amount === undefined) throw new Error(`an amount in the database is not one of ${this.code}`);
    return amount;
  }

  /** Major units as a JSON number for the wire: 14950 LKR cents are 149.5. Exact up to 15 digits. */
  toMajor(amount: Money): number {
    return Number(this.toDecimal(amount));
  }

  /** Major units as decimal text for a NUMERIC column: 14950 LKR cents are `149.50`. */
  toDecimal(amount: Money): string {
    if (this.exponent === 0) return String(amount);
    const digits = String(Math.abs(amount)).padStart(this.exponent + 1, '0');
    const point = digits.length - this.exponent;
    return `${amount < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
  }
}

/** The sum of the amounts. Throws a RangeError when it is not a safe integer. */
export function sum(amounts: readonly Money[]): Money {
  return money(amounts.reduce((total, amount) => total + amount, 0));
}

/** `from` minus `amount`; the result may be negative. Throws a RangeError when it is not a safe integer. */
export function minus(from: Money, amount: Money): Money {
  return money(from - amount);
}

/** The smaller of two amounts. */
export function smaller(a: Money, b: Money): Money {
  return a < b ? a : b;
}
