import type { IntentWire } from './intent.wire.ts';

/** https://docs.stripe.com/api/errors */
export interface StripeErrorBody {
  readonly type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  readonly message: string;
  readonly code?: string;
  readonly decline_code?: string;
  readonly param?: string;
  readonly payment_intent?: IntentWire;
}

/** A refusal in Stripe's form, raised before anything was changed. */
export class StripeRefusal extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;

  constructor(status: number, body: StripeErrorBody) {
    super(body.message);
    this.name = 'StripeRefusal';
    this.status = status;
    this.body = body;
  }
}

const BAD_REQUEST = 400;
const NOT_FOUND = 404;
const UNAUTHORIZED = 401;

export function invalid(message: string, extra: Omit<StripeErrorBody, 'type' | 'message'> = {}): StripeRefusal {
  return new StripeRefusal(BAD_REQUEST, { type: 'invalid_request_error', message, ...extra });
}

export function missing(kind: string, id: string, param: string, status = NOT_FOUND): StripeRefusal {
  return new StripeRefusal(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${kind}: '${id}'`,
    param,
  });
}

/** The object of a request. Throws Stripe's refusal when there is none; `param` is the parameter that names it. */
export function found<Value>(value: Value | undefined, kind: string, id: string, param = kind): Value {
  if (value === undefined) throw missing(kind, id, param);
  return value;
}

export function unauthorized(message: string): StripeRefusal {
  return new StripeRefusal(UNAUTHORIZED, { type: 'invalid_request_error', message });
}
