import { type Clock, MS_PER_SECOND } from '../../kernel/clock.ts';
import { OK } from '../../kernel/http-status.ts';
import type { IdSource } from '../../kernel/ids.ts';
import { Currency } from '../../kernel/money.ts';
import { type Form, text, texts } from './form.ts';
import {
  amountProblem,
  authenticate,
  cancel,
  confirm,
  DISPUTED_CARD,
  type Intent,
  type IntentChange,
  isTestCard,
} from './intent.rules.ts';
import { type Dispute, type Refund, toChargeWire, toDisputeWire, toIntentWire, toRefundWire } from './intent.wire.ts';
import type { Ledger, LedgerChange, StripeEvent } from './ledger.ts';
import { found, invalid, missing } from './stripe-error.ts';

/** The answer of an operation and its changes, which are written together. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  readonly changes: readonly LedgerChange[];
}

type EventMaker = (type: string, object: unknown) => LedgerChange;

const PAYMENT_REQUIRED = 402;
const REASONS = ['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'];

/** The operations of Stripe's API that move money. Each throws a `StripeRefusal` for a request that Stripe refuses. */
export class Operations {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #url: string;

  /** `url` is the address of this process, where buyers authenticate. */
  constructor(ledger: Ledger, clock: Clock, ids: IdSource, url: string) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#ids = ids;
    this.#url = url;
  }

  createIntent(form: Form): Outcome {
    const intent = newIntent(form, this.#newId('pi'), this.#newId('secret'), this.#now());
    const wire = toIntentWire(intent, this.#url);
    const created: LedgerChange[] = [{ kind: 'intent', value: intent }, this.#event('payment_intent.created', wire)];
    if (text(form, 'confirm') !== 'true') return { status: OK, body: wire, changes: created };
    const confirmed = this.#confirm(intent, form);
    return { ...confirmed, changes: [...created, ...confirmed.changes] };
  }

  updateIntent(id: string, form: Form): Outcome {
    return updated(this.#find(id), form, this.#url);
  }

  confirmIntent(id: string, form: Form): Outcome {
    return this.#confirm(this.#find(id), form);
  }

  cancelIntent(id: string, form: Form): Outcome {
    const intent = this.#find(id);
    const reason = text(form, 'cancellation_reason') ?? null;
    if (reason !== null && !REASONS.includes(reason))
      throw invalid('Invalid cancellation_reason', { param: 'cancellation_reason' });
    return this.#apply(intent, cancel(intent, this.#now(), reason));
  }

  authenticateIntent(id: string, form: Form): Outcome {
    const intent = this.#find(id);
    const isSuccess = text(form, 'outcome') === 'succeed';
    return this.#apply(intent, authenticate(intent, isSuccess, this.#newId('ch')));
  }

  createRefund(form: Form): Outcome {
    const intent = refundable(form, this.#ledger);
    return refunded(intent, newRefund(form, intent, this.#newId('re'), this.#now()), this.#event);
  }

  /** Evidence ends a dispute, as in Stripe's test mode: https://docs.stripe.com/testing#evidence */
  answerDispute(id: string, form: Form): Outcome {
    const closed = answered(found(this.#ledger.dispute(id), 'dispute', id), form);
    const wire = toDisputeWire(closed);
    const changes: LedgerChange[] = [{ kind: 'dispute', value: closed }, this.#event('charge.dispute.closed', wire)];
    return { status: OK, body: wire, changes };
  }

  #now(): number {
    return Math.floor(this.#clock.now() / MS_PER_SECOND);
  }

  #newId(prefix: string): string {
    return `${prefix}_${this.#ids.uuid().replaceAll('-', '')}`;
  }

  readonly #event: EventMaker = (type, object) => newEvent(this.#newId('evt'), type, this.#now(), object);

  #find(id: string): Intent {
    return found(this.#ledger.intent(id), 'payment_intent', id, 'intent');
  }

  #confirm(intent: Intent, form: Form): Outcome {
    const paymentMethod = text(form, 'payment_method') ?? intent.paymentMethod;
    if (!paymentMethod) {
      throw invalid('You must give a payment_method to confirm with.', {
        code: 'parameter_missing',
        param: 'payment_method',
      });
    }
    if (!isTestCard(paymentMethod)) throw missing('PaymentMethod', paymentMethod, 'payment_method', 400);
    const confirmed = this.#apply(intent, confirm(intent, paymentMethod, this.#newId('ch')));
    if (paymentMethod !== DISPUTED_CARD) return confirmed;
    const dispute = disputed(confirmed, this.#newId('dp'), this.#now(), this.#event);
    return { ...confirmed, changes: [...confirmed.changes, ...dispute] };
  }

  #apply(before: Intent, change: IntentChange): Outcome {
    if (change.outcome === 'unexpected_state') throw unexpectedState(before, this.#url);
    const wire = toIntentWire(change.intent, this.#url);
    const changes: LedgerChange[] = [{ kind: 'intent', value: change.intent }, this.#event(change.event, wire)];
    if (change.outcome === 'changed') return { status: OK, body: wire, changes };
    const { code, declineCode, message } = change.decline;
    const error = {
      type: 'card_error',
      code,
      message,
      ...(declineCode ? { decline_code: declineCode } : {}),
      payment_intent: wire,
    };
    return { status: PAYMENT_REQUIRED, body: { error }, changes };
  }
}

function refunded(intent: Intent, refund: Refund, event: EventMaker): Outcome {
  const after = { ...intent, amountRefunded: intent.amountRefunded + refund.amount };
  const wire = toRefundWire(refund);
  return {
    status: OK,
    body: wire,
    changes: [
      { kind: 'refund', value: refund },
      { kind: 'intent', value: after },
      event('refund.created', wire),
      event('charge.refunded', toChargeWire(after, false)),
    ],
  };
}

const VERDICTS: Readonly<Record<string, 'won' | 'lost'>> = { winning_evidence: 'won', losing_evidence: 'lost' };

function answered(dispute: Dispute, form: Form): Dispute {
  const status = VERDICTS[text(evidenceOf(form), 'uncategorized_text') ?? ''];
  if (status && dispute.status === 'needs_response') return { ...dispute, status };
  throw invalid('This dispute cannot be answered with this evidence.', { param: 'evidence' });
}

/** The dispute of a new payment. */
function disputed({ changes }: Outcome, id: string, created: number, event: EventMaker): LedgerChange[] {
  const paid = changes.find((change) => change.kind === 'intent')?.value;
  if (!paid) return [];
  const { id: intentId, chargeId, amount, currency } = paid;
  const value: Dispute = { id, intentId, chargeId, amount, currency, created, status: 'needs_response' };
  return [{ kind: 'dispute', value }, event('charge.dispute.created', toDisputeWire(value))];
}

function evidenceOf({ evidence }: Form): Form {
  return typeof evidence === 'object' ? evidence : {};
}

function newEvent(id: string, type: string, created: number, object: unknown): LedgerChange {
  const value: StripeEvent = { id, type, created, object, requestKey: null, delivered: false, attempts: 0 };
  return { kind: 'event', value };
}

function updated(intent: Intent, form: Form, url: string): Outcome {
  if (intent.status === 'succeeded' || intent.status === 'canceled') throw unexpectedState(intent, url);
  const amount = text(form, 'amount') === undefined ? intent.amount : readAmount(form, intent.currency);
  const changed = { ...intent, amount, metadata: { ...intent.metadata, ...texts(form, 'metadata') } };
  return { status: OK, body: toIntentWire(changed, url), changes: [{ kind: 'intent', value: changed }] };
}

function newIntent(form: Form, id: string, secret: string, created: number): Intent {
  const currency = text(form, 'currency')?.toLowerCase();
  if (!currency) throw invalid('Missing required param: currency.', { code: 'parameter_missing', param: 'currency' });
  return {
    id,
    amount: readAmount(form, currency),
    currency,
    status: 'requires_payment_method',
    clientSecret: `${id}_${secret}`,
    metadata: texts(form, 'metadata'),
    created,
    paymentMethod: null,
    chargeId: null,
    lastError: null,
    canceledAt: null,
    cancellationReason: null,
    amountRefunded: 0,
  };
}

function readAmount(form: Form, currency: string): number {
  const given = text(form, 'amount');
  if (given === undefined)
    throw invalid('Missing required param: amount.', { code: 'parameter_missing', param: 'amount' });
  const amount = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  const problem = amountProblem(amount, currency);
  if (problem)
    throw invalid(problem.message, {
      code: problem.code,
      param: problem.code === 'invalid_currency' ? 'currency' : 'amount',
    });
  return amount;
}

function refundable(form: Form, ledger: Ledger): Intent {
  const id = text(form, 'payment_intent');
  const chargeId = text(form, 'charge');
  const intent = id
    ? ledger.intent(id)
    : ledger.intents().find((candidate) => chargeId && candidate.chargeId === chargeId);
  if (!intent) throw id ? missing('payment_intent', id, 'payment_intent') : missing('charge', chargeId ?? '', 'charge');
  if (intent.status !== 'succeeded') {
    throw invalid(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`);
  }
  if (ledger.disputes().some((dispute) => dispute.intentId === intent.id && dispute.status !== 'won')) {
    throw invalid(`Charge ${intent.chargeId} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    });
  }
  return intent;
}

function newRefund(form: Form, intent: Intent, id: string, created: number): Refund {
  const left = intent.amount - intent.amountRefunded;
  if (left === 0) {
    throw invalid(`Charge ${intent.chargeId} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  const given = text(form, 'amount');
  const amount = given === undefined ? left : Number(given);
  if (!Number.isInteger(amount) || amount < 1) throw invalid('Invalid integer', { param: 'amount' });
  if (amount % new Currency(intent.currency).chargeStep !== 0) {
    throw invalid('The last digits of the amount must be 0.', { param: 'amount' });
  }
  if (amount > left) {
    throw invalid('Refund amount is greater than the unrefunded amount on the charge.', { param: 'amount' });
  }
  return {
    id,
    intentId: intent.id,
    chargeId: intent.chargeId,
    amount,
    currency: intent.currency,
    created,
    reason: text(form, 'reason') ?? null,
    metadata: texts(form, 'metadata'),
  };
}

function unexpectedState(intent: Intent, url: string) {
  return invalid(`This PaymentIntent's status is ${intent.status}; it can no longer do this.`, {
    code: 'payment_intent_unexpected_state',
    payment_intent: toIntentWire(intent, url),
  });
}
