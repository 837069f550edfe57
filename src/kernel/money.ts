import { type CurrencyFacts, currencyFacts } from './currencies.ts';

/**
 * Money is an integer of minor units, never a float: a number on the wire such as 149.99 is read through its decimal text,
 * so that it becomes 14999 and not 14998.
 */
declare const moneyBrand: unique symbol;

/** A whole number of minor units (cents) of the service's one currency; a safe integer. */
export type Money = number & { readonly [moneyBrand]: true };

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

/** Why an amount cannot be charged: it has too many decimals, or is beyond what Stripe charges at once. */
export type ChargeProblem = 'decimals' | 'too_small' | 'too_large';

/** A currency, and the exact conversions between its minor units and amounts of major units. */
export class Currency implements CurrencyFacts {
  /** ISO 4217 code in lower case, as Stripe spells it. */
  readonly code: string;
  readonly exponent: 0 | 2 | 3;
  readonly chargeStep: 1 | 10 | 100;
  readonly minCharge: number;
  readonly maxCharge: number;

  /** `code` is an ISO 4217 code in either case. Throws a RangeError for a currency that Stripe does not charge. */
  constructor(code: string) {
    this.code = code.toLowerCase();
    const facts = currencyFacts(this.code);
    if (!facts) throw new RangeError(`not a currency that Stripe charges: ${this.code}`);
    this.exponent = facts.exponent;
    this.chargeStep = facts.chargeStep;
    this.minCharge = facts.minCharge;
    this.maxCharge = facts.maxCharge;
  }

  /** Why minor units of this currency cannot be charged; undefined when they can. Nothing is charged for a price of 0. */
  chargeProblem(amount: number): ChargeProblem | undefined {
    if (amount % this.chargeStep !== 0) return 'decimals';
    if (amount < this.minCharge) return 'too_small';
    return amount > this.maxCharge ? 'too_large' : undefined;
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
  toMajor(amount: Money | bigint): number {
    return Number(this.toDecimal(amount));
  }

  /** Major units as decimal text for a NUMERIC column: 14950 LKR cents are `149.50`. */
  toDecimal(amount: Money | bigint): string {
    if (this.exponent === 0) return String(amount);
    const digits = String(amount < 0 ? -amount : amount).padStart(this.exponent + 1, '0');
    const point = digits.length - this.exponent;
    return `${amount < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
  }
}

/** The sum of the amounts. Throws a RangeError when it is not a safe integer. */
export function sum(amounts: readonly Money[]): Money {
  return money(amounts.reduce((total, amount) => total + amount, 0));
}

/** The sum of amounts of many orders, in minor units: a bigint, so that no amount can make it fail. */
export function bigSum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

/** `from` minus `amount`; the result may be negative. Throws a RangeError when it is not a safe integer. */
export function minus(from: Money, amount: Money): Money {
  return money(from - amount);
}

/** The smaller of two amounts. */
export function smaller(a: Money, b: Money): Money {
  return a < b ? a : b;
}
