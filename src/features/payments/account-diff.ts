import type { Refund } from './refund.ts';

/** Money that left an intent according to the provider's account, in minor units. */
export interface Outflow {
  readonly refunds: readonly ProviderRefund[];
  readonly disputes: readonly ProviderDispute[];
}

export interface ProviderRefund {
  readonly providerId: string;
  readonly amount: number;
  /** The id of the refund in this service's database; undefined when the refund was made at the provider. */
  readonly refundId: string | undefined;
  /** The bank rejected it: the money is still at the provider. */
  readonly hasFailed: boolean;
}

export interface ProviderDispute {
  readonly providerId: string;
  readonly amount: number;
  /** `taken`: the bank has the money, for now or for good. */
  readonly state: 'taken' | 'won';
}

/** Differences between the provider's account of an intent and the refunds in the database. */
export interface AccountDiff {
  /** Refunds of this service that the provider has accepted. */
  readonly sent: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Refunds of this service that a bank rejected. */
  readonly bounced: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Recorded disputes that were won: the money came back. */
  readonly won: readonly { readonly refundId: string }[];
  /** Refunds and disputes that began at the provider or a bank. */
  readonly added: readonly AddedOutflow[];
}

export interface AddedOutflow {
  readonly providerId: string;
  readonly amountMinor: number;
  readonly origin: 'stripe' | 'dispute';
}

/** Compares the account with the recorded refunds. */
export function diffOf(account: Outflow, known: readonly Refund[]): AccountDiff {
  const byProvider = new Map(known.flatMap((refund) => (refund.state === 'done' ? [[refund.providerId, refund]] : [])));
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

/** The differences in words for an operator. */
export function describeDiff({ sent, bounced, won, added }: AccountDiff): string[] {
  return [
    ...sent.map(({ providerId }) => `refund ${providerId} was sent`),
    ...bounced.map(({ providerId }) => `refund ${providerId} did not reach the buyer`),
    ...won.map(() => 'a dispute was won'),
    ...added.map(({ providerId, origin }) => `${providerId} was ${ADDED_BECAUSE[origin]}`),
  ];
}

/** Reasons of refunds that began at the provider or a bank. */
export const ADDED_BECAUSE = {
  stripe: 'refunded at the provider',
  dispute: 'taken back by the bank',
} as const satisfies Record<AddedOutflow['origin'], string>;

/** Open refunds for which the provider has no money left. */
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
