import type { Refund } from './refund.ts';

/** What the provider's account of an intent shows of money that left it, in minor units. */
export interface Outflow {
  readonly refunds: readonly ProviderRefund[];
  readonly disputes: readonly ProviderDispute[];
}

export interface ProviderRefund {
  readonly providerId: string;
  readonly amount: number;
  /** The refund of ours that it is for. */
  readonly refundId: string | undefined;
  /** The bank did not take it: the money is still with the provider. */
  readonly hasFailed: boolean;
}

export interface ProviderDispute {
  readonly providerId: string;
  readonly amount: number;
  /** `taken`: the money is with the bank, for now or for good. */
  readonly state: 'taken' | 'won';
}

/** What the provider's account of an intent shows that is not written here. */
export interface AccountDiff {
  /** Refunds of ours that the provider has taken. */
  readonly sent: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Refunds of ours that a bank did not take. */
  readonly bounced: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Disputes written down here that were won: the money is there again. */
  readonly won: readonly { readonly refundId: string }[];
  /** Refunds and disputes that nobody here asked for. */
  readonly added: readonly AddedOutflow[];
}

export interface AddedOutflow {
  readonly providerId: string;
  readonly amountMinor: number;
  readonly origin: 'stripe' | 'dispute';
}

/** Compares the account with the refunds known here. */
export function diffOf(account: Outflow, known: readonly Refund[]): AccountDiff {
  const byProvider = new Map(
    known.flatMap((refund) => (refund.state === 'done' ? [[refund.providerId, refund]] : [])),
  );
  const byOurs = new Map(known.map((refund) => [refund.refundId, refund]));
  const ours = ({ refundId }: { readonly refundId: string | undefined }) =>
    refundId === undefined ? undefined : byOurs.get(refundId);
  return {
    sent: account.refunds.flatMap((refund) => {
      const open = ours(refund);
      const isNew = open && open.state !== 'done' && !refund.hasFailed;
      return isNew ? [{ refundId: open.refundId, providerId: refund.providerId }] : [];
    }),
    bounced: account.refunds.flatMap(({ providerId, hasFailed }) => {
      const done = byProvider.get(providerId);
      return hasFailed && done?.origin === 'service' ? [{ refundId: done.refundId, providerId }] : [];
    }),
    won: account.disputes.flatMap(({ providerId, state }) => {
      const taken = byProvider.get(providerId);
      return state === 'won' && taken ? [{ refundId: taken.refundId }] : [];
    }),
    added: [
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
export function describeDiff({ sent, bounced, won, added }: AccountDiff): string[] {
  return [
    ...sent.map(({ providerId }) => `refund ${providerId} is carried out`),
    ...bounced.map(({ providerId }) => `refund ${providerId} did not reach the buyer`),
    ...won.map(() => 'a dispute was won'),
    ...added.map(({ providerId, origin }) => `${providerId} was ${ADDED_BECAUSE[origin]}`),
  ];
}

/** Why money left the account that nobody here sent. */
export const ADDED_BECAUSE = {
  stripe: 'given back at the provider',
  dispute: 'taken back by the bank',
} as const satisfies Record<AddedOutflow['origin'], string>;

/** Refunds of ours that are not paid yet, and for which the provider has no money left. */
export function unfundedRefunds(amountMinor: number, refunds: readonly Refund[]): Refund[] {
  const done = refunds.filter(({ state }) => state === 'done');
  let left = amountMinor - done.reduce((total, refund) => total + refund.amountMinor, 0);
  return refunds.filter((refund) => {
    if (refund.state === 'done') return false;
    if (refund.amountMinor > left) return true;
    left -= refund.amountMinor;
    return false;
  });
}
