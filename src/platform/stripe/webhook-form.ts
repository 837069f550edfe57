import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** An id of Stripe: visible characters only, so that a database and a log can store it. */
const Id = Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$' });

/** The common fields of events: https://docs.stripe.com/api/events/object */
const EventSchema = Type.Object({
  id: Id,
  type: Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$' }),
  livemode: Type.Boolean(),
  data: Type.Object({ object: Type.Object({ object: Type.Optional(Type.String()) }) }),
});

/** The fields of a succeeded PaymentIntent that are used. */
const PaidSchema = Type.Object({
  id: Id,
  object: Type.Literal('payment_intent'),
  amount_received: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  currency: Type.String({ pattern: '^[a-z]{3}$' }),
  metadata: Type.Optional(Type.Union([Type.Object({ order_id: Type.Optional(Type.String()) }), Type.Null()])),
});

const events = Compile(EventSchema);
const payments = Compile(PaidSchema);

/** Whether a signed body is a valid event. */
export function isEvent(body: unknown): body is Static<typeof EventSchema> {
  if (!events.Check(body)) return false;
  const { object } = body.data;
  const isPayment = body.type === 'payment_intent.succeeded' && object.object === 'payment_intent';
  return !isPayment || payments.Check(object);
}
