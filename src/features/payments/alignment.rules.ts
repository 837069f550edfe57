import type { Refund } from './payment.rules.ts';

/** What the provider tells of an intent's money going back, minor units. */
export interface MoneyGone {
  readonly refunds: readonly ProviderRefund[];
  readonly disputes: readonly ProviderDispute[];
}

export interface ProviderRefund {
  readonly providerId: string;
  readonly amount: number;
  /** The refund of ours that it carries out. */
  readonly refundId: string | undefined;
  /** The bank would not take it: the money is still with the provider. */
  readonly hasFailed: boolean;
}

export interface ProviderDispute {
  readonly providerId: string;
  readonly amount: number;
  /** `taken`: the money is with the bank, for now or for good. */
  readonly state: 'taken' | 'won';
}

/** What the provider's account of an intent says of money going back that is not written here. */
export interface AccountNews {
  /** Refunds of ours that were carried out without our having heard of it. */
  readonly carriedOut: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Refunds of ours that a bank would not take. */
  readonly bounced: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Disputes written down here that were won: the money is there again. */
  readonly wonBack: readonly { readonly refundId: string }[];
  /** Refunds and disputes that nobody here asked for. */
  readonly gone: readonly GoneMoney[];
}

export interface GoneMoney {
  readonly providerId: string;
  readonly amountMinor: number;
  readonly origin: 'stripe' | 'dispute';
}

/** Compares the account with the refunds known here. */
export function newsOf(account: MoneyGone, known: readonly Refund[]): AccountNews {
  const byProvider = new Map(known.map((refund) => [refund.providerId, refund]));
  const byOurs = new Map(known.map((refund) => [refund.refundId, refund]));
  const ours = ({ refundId }: { readonly refundId: string | undefined }) =>
    refundId === undefined ? undefined : byOurs.get(refundId);
  return {
    carriedOut: account.refunds.flatMap((refund) => {
      const due = ours(refund);
      const isNews = due && due.providerId === undefined && !refund.hasFailed;
      return isNews ? [{ refundId: due.refundId, providerId: refund.providerId }] : [];
    }),
    bounced: account.refunds.flatMap(({ providerId, hasFailed }) => {
      const done = byProvider.get(providerId);
      return hasFailed && done?.origin === 'service' ? [{ refundId: done.refundId, providerId }] : [];
    }),
    wonBack: account.disputes.flatMap(({ providerId, state }) => {
      const taken = byProvider.get(providerId);
      return state === 'won' && taken ? [{ refundId: taken.refundId }] : [];
    }),
    gone: [
      ...account.refunds
        .filter((refund) => !refund.hasFailed && !byProvider.has(refund.providerId) && !ours(refund))
        .map(({ providerId, amount }) => ({ providerId, amountMinor: amount, origin: 'stripe' as const })),
      ...account.disputes
        .filter(({ providerId, state }) => state === 'taken' && !byProvider.has(providerId))
        .map(({ providerId, amount }) => ({ providerId, amountMinor: amount, origin: 'dispute' as const })),
    ],
  };
}

/** The same in words for an operator. */
export function wordsFor({ carriedOut, bounced, wonBack, gone }: AccountNews): string[] {
  return [
    ...carriedOut.map(({ providerId }) => `refund ${providerId} is carried out`),
    ...bounced.map(({ providerId }) => `refund ${providerId} did not reach the buyer`),
    ...wonBack.map(() => 'a dispute was won'),
    ...gone.map(({ providerId, origin }) => `${providerId} was ${GONE_BY[origin]}`),
  ];
}

/** Why money went that nobody here sent. */
export const GONE_BY = {
  stripe: 'given back at the provider',
  dispute: 'taken back by the bank',
} as const satisfies Record<GoneMoney['origin'], string>;

/** Refunds of ours that are due, but for which the provider has no money left. */
export function tooMuch(amountMinor: number, refunds: readonly Refund[]): Refund[] {
  const done = refunds.filter(({ providerId }) => providerId !== undefined);
  let left = amountMinor - done.reduce((total, refund) => total + refund.amountMinor, 0);
  return refunds.filter((refund) => {
    if (refund.providerId !== undefined) return false;
    if (refund.amountMinor > left) return true;
    left -= refund.amountMinor;
    return false;
  });
}
