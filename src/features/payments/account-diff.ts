import type { TicketId } from '../../kernel/ids.ts';
import type { Payment } from './payment.ts';
import type { Refund } from './refund.ts';

/** Money that left an intent according to the provider's account. */
export interface Outflow {
  readonly refunds: readonly ProviderRefund[];
  readonly disputes: readonly ProviderDispute[];
}

export interface ProviderRefund {
  readonly providerId: string;
  /** Minor units of the payment's currency, which is the currency of its refunds. */
  readonly amount: number;
  /** The id of the refund in this service's database; undefined when the refund was made at the provider. */
  readonly refundId: string | undefined;
  /** The ticket that the refund was made for, as its metadata names it. */
  readonly ticketId: TicketId | undefined;
  /** The bank rejected it: the money is still at the provider. */
  readonly hasFailed: boolean;
}

export interface ProviderDispute {
  readonly providerId: string;
  /** Minor units of `currency`. Both are the bank's, and may differ from the payment's. */
  readonly amount: number;
  readonly currency: string;
  /** The ticket that it is about, as a person named it in its metadata. */
  readonly ticketId: TicketId | undefined;
  /** `taken`: the bank has the money, for now or for good. */
  readonly state: 'taken' | 'won';
}

/** Differences between the provider's account of an intent and the refunds in the database. */
export interface AccountDiff {
  /** Refunds of this service that the provider has accepted. */
  readonly sent: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Refunds, wherever they were made, that a bank rejected. */
  readonly bounced: readonly { readonly refundId: string; readonly providerId: string }[];
  /** Recorded disputes that were won: the money came back. */
  readonly won: readonly { readonly refundId: string }[];
  /** Refunds and disputes with an unclear ticket that name it now. */
  readonly named: readonly { readonly refundId: string; readonly providerId: string; readonly ticketId: TicketId }[];
  /** Refunds and disputes that began at the provider or a bank. */
  readonly added: readonly AddedOutflow[];
}

export interface AddedOutflow {
  readonly providerId: string;
  /** Minor units of the payment's currency. */
  readonly amountMinor: number;
  readonly origin: 'stripe' | 'dispute';
  readonly reason: string;
  readonly ticketId?: TicketId | undefined;
}

/**
 * Compares the account with the recorded refunds of the payment. `isOfTickets` says whether the shares of some tickets that the
 * payment pays for add up to an amount, in minor units.
 */
export function diffOf(
  account: Outflow,
  known: readonly Refund[],
  payment: Pick<Payment, 'amountMinor' | 'currency'>,
  isOfTickets: (amountMinor: number) => boolean,
): AccountDiff {
  const byProvider = new Map(known.flatMap((refund) => (refund.state === 'done' ? [[refund.providerId, refund]] : [])));
  const byOurs = new Map(known.map((refund) => [refund.refundId, refund]));
  const ours = ({ refundId }: { readonly refundId: string | undefined }) =>
    refundId === undefined ? undefined : byOurs.get(refundId);
  const sent = account.refunds.flatMap((refund) => {
    const open = ours(refund);
    const isNew = open && open.state !== 'done' && !refund.hasFailed;
    return isNew ? [{ refundId: open.refundId, providerId: refund.providerId, amountMinor: open.amountMinor }] : [];
  });
  const won = account.disputes.flatMap(({ providerId, state }) => {
    const taken = byProvider.get(providerId);
    return state === 'won' && taken ? [{ refundId: taken.refundId }] : [];
  });
  const bounced = account.refunds.flatMap(({ providerId, hasFailed }) => {
    const refund = byProvider.get(providerId);
    return hasFailed && refund ? [{ refundId: refund.refundId, providerId }] : [];
  });
  const refunds = account.refunds
    .filter((refund) => !refund.hasFailed && !byProvider.has(refund.providerId) && !ours(refund))
    .map(({ providerId, amount, ticketId }) => {
      return { providerId, amountMinor: amount, origin: 'stripe', reason: ADDED_BECAUSE.stripe, ticketId } as const;
    });
  const isBack = new Set([...bounced, ...won].map(({ refundId }) => refundId));
  const done = known.filter(({ state, refundId }) => state === 'done' && !isBack.has(refundId));
  const left = payment.amountMinor - totalOf(done) - totalOf(sent) - totalOf(refunds);
  const disputes = account.disputes.filter(({ providerId, state }) => state === 'taken' && !byProvider.has(providerId));
  return {
    sent: sent.map(({ refundId, providerId }) => ({ refundId, providerId })),
    bounced,
    won,
    named: [...account.refunds, ...account.disputes].flatMap(({ providerId, ticketId }) => {
      const unclear = byProvider.get(providerId);
      return unclear?.isTicketUnclear && ticketId ? [{ refundId: unclear.refundId, providerId, ticketId }] : [];
    }),
    added: [...refunds, ...disputedOf(disputes, left, payment.currency, isOfTickets)],
  };
}

/** The bank's exchange rate may make a dispute about the whole payment this much smaller than the payment, in percent. */
const RATE_TOLERANCE_PERCENT = 5;

/**
 * What new disputes take of what is `left` of a payment. A dispute is usually about the whole payment, while its amount may be
 * in another currency, or differ by the bank's exchange rate: then it takes all that is left. It never takes more. An amount
 * that is exactly that of some tickets is about these tickets, however near it is to the whole.
 * https://docs.stripe.com/api/disputes/object
 */
function disputedOf(
  disputes: readonly ProviderDispute[],
  left: number,
  currency: string,
  isOfTickets: (amountMinor: number) => boolean,
): AddedOutflow[] {
  const taken: AddedOutflow[] = [];
  for (const dispute of disputes) {
    const { providerId, amount, ticketId } = dispute;
    const rest = left - totalOf(taken);
    const isNearWhole = amount * 100 >= rest * (100 - RATE_TOLERANCE_PERCENT);
    const isPart = dispute.currency === currency && amount < rest && (!isNearWhole || isOfTickets(amount));
    const amountMinor = isPart ? amount : rest;
    const isSame = dispute.currency === currency && amount === amountMinor;
    const reason = isSame ? ADDED_BECAUSE.dispute : `${ADDED_BECAUSE.dispute}: ${amount} ${dispute.currency}`;
    if (amountMinor > 0) taken.push({ providerId, amountMinor, origin: 'dispute', reason, ticketId });
  }
  return taken;
}

function totalOf(outflows: readonly { readonly amountMinor: number }[]): number {
  return outflows.reduce((total, { amountMinor }) => total + amountMinor, 0);
}

/** The differences in words for an operator. */
export function describeDiff({ sent, bounced, won, named, added }: AccountDiff): string[] {
  return [
    ...sent.map(({ providerId }) => `refund ${providerId} was sent`),
    ...bounced.map(({ providerId }) => `refund ${providerId} did not reach the buyer`),
    ...won.map(() => 'a dispute was won'),
    ...named.map(({ providerId, ticketId }) => `refund ${providerId} was for ticket ${ticketId}`),
    ...added.map(({ providerId, origin }) => `${providerId} was ${ADDED_BECAUSE[origin]}`),
  ];
}

/** Reasons of refunds that began at the provider or a bank. */
const ADDED_BECAUSE = {
  stripe: 'refunded at the provider',
  dispute: 'taken back by the bank',
} as const satisfies Record<AddedOutflow['origin'], string>;

/** Open refunds for which the provider has no money left. */
export function unfundedRefunds(amountMinor: number, refunds: readonly Refund[]): Refund[] {
  let left = amountMinor - totalOf(refunds.filter(({ state }) => state === 'done'));
  return refunds.filter((refund) => {
    if (refund.state === 'done') return false;
    if (refund.amountMinor > left) return true;
    left -= refund.amountMinor;
    return false;
  });
}
