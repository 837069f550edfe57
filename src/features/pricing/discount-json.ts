import { type Static, Type } from 'typebox';
import type { Instant } from '../../kernel/clock.ts';
import { as, type DiscountId, type SessionId, type TierId } from '../../kernel/ids.ts';
import { readInstant } from '../../kernel/iso-date.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import type { Discount, DiscountTerms, Percentage } from './discount.ts';

const maybe = <Schema extends Parameters<typeof Type.Optional>[0]>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const Amount = Type.Union([Type.Number(), Type.String()]);

/** A discount as the event-query service gives it (contract section 4); its other fields are ignored. */
export const DiscountSchema = Type.Object({
  id: Type.String(),
  code: maybe(Type.String()),
  parameters: Type.Object({
    type: Type.String(),
    percentage: maybe(Amount),
    amount: maybe(Amount),
    currency: maybe(Type.String()),
    buyQuantity: maybe(Type.Integer()),
    getQuantity: maybe(Type.Integer()),
    minSpend: maybe(Amount),
    maxDiscount: maybe(Amount),
  }),
  activeFrom: maybe(Type.String()),
  expiresAt: maybe(Type.String()),
  maxUsage: maybe(Type.Integer()),
  currentUsage: maybe(Type.Integer()),
  applicableTiers: maybe(Type.Array(Type.Object({ id: Type.String() }))),
  applicableSessionIds: maybe(Type.Array(Type.String())),
  active: maybe(Type.Boolean()),
  isActive: maybe(Type.Boolean()),
});

export type DiscountJson = Static<typeof DiscountSchema>;

export interface Unreadable {
  readonly unreadable: string;
}

/** Longest code. It is part of every message about its orders. */
const MAX_CODE_CHARS = 100;
/** Most uses that the database counts. */
const MAX_USES = 2_147_483_647;

function isTooLarge({ code, maxUsage }: DiscountJson): boolean {
  return (code?.length ?? 0) > MAX_CODE_CHARS || (maxUsage ?? 0) > MAX_USES;
}

const NOTHING: Omit<Discount, 'id'> = {
  code: '',
  terms: { type: 'TOO_LARGE' },
  activeFrom: undefined,
  expiresAt: undefined,
  maxUsage: undefined,
  currentUsage: 0,
  applicableTiers: [],
  applicableSessions: [],
  active: true,
};

/** Reads discounts whose amounts are in one currency, exactly. */
export class DiscountReader {
  readonly #currency: Currency;

  constructor(currency: Currency) {
    this.#currency = currency;
  }

  /** The discount, or why the JSON cannot be read. One that is too large can be read, and not be used. */
  read(json: DiscountJson): Discount | Unreadable {
    if (isTooLarge(json)) return { ...NOTHING, id: as<DiscountId>(json.id.toLowerCase()) };
    const terms = this.#terms(json.parameters);
    if ('unreadable' in terms) return terms;
    const activeFrom = readDate(json.activeFrom);
    const expiresAt = readDate(json.expiresAt);
    if (activeFrom === 'unreadable' || expiresAt === 'unreadable') {
      return { unreadable: 'a date is not valid' };
    }
    return {
      id: as<DiscountId>(json.id.toLowerCase()),
      code: json.code ?? '',
      terms,
      activeFrom,
      expiresAt,
      maxUsage: json.maxUsage ?? undefined,
      currentUsage: json.currentUsage ?? 0,
      applicableTiers: (json.applicableTiers ?? []).map((tier) => as<TierId>(tier.id)),
      applicableSessions: (json.applicableSessionIds ?? []).map((id) => as<SessionId>(id.toLowerCase())),
      active: json.active ?? json.isActive ?? false,
    };
  }

  #terms(parameters: DiscountJson['parameters']): DiscountTerms | Unreadable {
    if (this.#hasForeignAmounts(parameters)) return { type: 'OTHER_CURRENCY' };
    switch (parameters.type) {
      case 'FLAT_OFF':
        return this.#flatOff(parameters);
      case 'PERCENTAGE':
        return this.#percentageOff(parameters);
      case 'BUY_N_GET_N_FREE':
        return readFreeSeats(parameters);
      default:
        return { unreadable: 'its type is not known' };
    }
  }

  /** Whether the discount has amounts in another currency; one without a currency is in this currency. */
  #hasForeignAmounts({ currency: named, amount, minSpend, maxDiscount }: DiscountJson['parameters']): boolean {
    if (!named || named.toLowerCase() === this.#currency.code) return false;
    return [amount, minSpend, maxDiscount].some((each) => each !== null && each !== undefined);
  }

  #flatOff(parameters: DiscountJson['parameters']): DiscountTerms | Unreadable {
    const amount = this.#amount(parameters.amount);
    const minSpend = this.#amount(parameters.minSpend);
    if (amount === undefined || amount === 'unreadable' || minSpend === 'unreadable') {
      return { unreadable: 'an amount is not valid' };
    }
    return { type: 'FLAT_OFF', amount, minSpend };
  }

  #percentageOff(parameters: DiscountJson['parameters']): DiscountTerms | Unreadable {
    const percentage = readPercentage(parameters.percentage);
    const minSpend = this.#amount(parameters.minSpend);
    const maxDiscount = this.#amount(parameters.maxDiscount);
    if (percentage === undefined || minSpend === 'unreadable' || maxDiscount === 'unreadable') {
      return { unreadable: 'a percentage or amount is not valid' };
    }
    return { type: 'PERCENTAGE', percentage, minSpend, maxDiscount };
  }

  #amount(amount: number | string | null | undefined): Money | undefined | 'unreadable' {
    if (amount === null || amount === undefined) return undefined;
    const read = this.#currency.fromMajor(amount);
    return read === undefined || read < 0 ? 'unreadable' : read;
  }
}

function readFreeSeats({ buyQuantity, getQuantity }: DiscountJson['parameters']): DiscountTerms | Unreadable {
  if (!buyQuantity || !getQuantity || buyQuantity < 1 || getQuantity < 1) {
    return { unreadable: 'its quantities are not valid' };
  }
  return { type: 'BUY_N_GET_N_FREE', buyQuantity, getQuantity };
}

/** More decimals than a double ever shows: a third of 100 is 33.333333333333336 in Java. */
const PERCENTAGE = /^(\d{1,3})(?:\.(\d{1,20}))?$/;

function readPercentage(percentage: number | string | null | undefined): Percentage | undefined {
  const [, whole, fraction = ''] = PERCENTAGE.exec(String(percentage ?? '')) ?? [];
  if (whole === undefined) return undefined;
  return { numerator: BigInt(whole + fraction), decimals: fraction.length };
}

function readDate(text: string | null | undefined): Instant | undefined | 'unreadable' {
  return text ? (readInstant(text) ?? 'unreadable') : undefined;
}
