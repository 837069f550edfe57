import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import { NotKept } from '../journal.ts';
import { type Form, parseForm, text, texts } from './form.ts';
import type { Intent } from './intent.rules.ts';
import { type IntentWire, toChargeWire, toDisputeWire, toIntentWire, toRefundWire } from './intent.wire.ts';
import type { Ledger } from './ledger.ts';
import type { Operations, Outcome } from './operations.ts';
import { invalid, missing, StripeRefusal, unauthorized } from './stripe-error.ts';
import { toEventWire, type WebhookDelivery } from './webhook-delivery.ts';

export interface StripeRoutesOptions {
  readonly ledger: Ledger;
  readonly operations: Operations;
  readonly delivery: WebhookDelivery;
  readonly clock: Clock;
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly url: string;
  readonly requestId: () => string;
}

const MAX_LIST = 100;
const DEFAULT_LIST = 10;
const SERVER_ERROR = 500;
const UNAVAILABLE = 503;
const CONFLICTING_KEY = 400;
const HIDE = { schema: { hide: true } } as const;

interface IdParams {
  readonly id: string;
}

/** Stripe's API at its own paths: https://docs.stripe.com/api */
export function stripeRoutes(scope: FastifyInstance, options: StripeRoutesOptions): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, parseForm(body.toString())),
  );
  scope.addHook('onSend', async (_request, reply) => {
    reply.header('request-id', `req_${options.requestId()}`);
  });
  scope.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof StripeRefusal) return reply.code(error.status).send({ error: error.body });
    const status = error.statusCode ?? (error instanceof NotKept ? UNAVAILABLE : SERVER_ERROR);
    const type = status < SERVER_ERROR ? 'invalid_request_error' : 'api_error';
    return reply.code(status).send({ error: { type, message: error.message } });
  });
  intentRoutes(scope, options);
  readRoutes(scope, options);
}

function intentRoutes(scope: FastifyInstance, options: StripeRoutesOptions): void {
  const { operations, ledger, url } = options;

  scope.post('/v1/payment_intents', HIDE, (request, reply) =>
    change(request, reply, options, (form) => operations.createIntent(form)),
  );
  scope.get<{ Params: IdParams }>('/v1/payment_intents/:id', HIDE, async (request) => {
    const isPage = demandKey(request, options, request.query as Form, request.params.id);
    const intent = ledger.intent(request.params.id);
    if (!intent) throw missing('payment_intent', request.params.id, 'intent');
    return visible(toIntentWire(intent, url), isPage);
  });
  scope.post<{ Params: IdParams }>('/v1/payment_intents/:id', HIDE, (request, reply) =>
    change(request, reply, options, (form) => operations.updateIntent(request.params.id, form)),
  );
  scope.post<{ Params: IdParams }>('/v1/payment_intents/:id/confirm', HIDE, (request, reply) =>
    change(
      request,
      reply,
      options,
      (form) => operations.confirmIntent(request.params.id, form),
      request.params.id,
    ),
  );
  scope.post<{ Params: IdParams }>('/v1/payment_intents/:id/cancel', HIDE, (request, reply) =>
    change(request, reply, options, (form) => operations.cancelIntent(request.params.id, form)),
  );
  scope.post('/v1/refunds', HIDE, (request, reply) =>
    change(request, reply, options, (form) => operations.createRefund(form)),
  );
  scope.post<{ Params: IdParams }>('/v1/disputes/:id', HIDE, (request, reply) =>
    change(request, reply, options, (form) => operations.answerDispute(request.params.id, form)),
  );
  authenticationPage(scope, options);
}

function readRoutes(scope: FastifyInstance, options: StripeRoutesOptions): void {
  const { ledger, url } = options;
  const list = (
    path: string,
    read: (query: Form) => { readonly id: string | null; readonly created: number }[],
  ) =>
    scope.get(path, HIDE, async (request) => {
      const query = parseForm(request.url.split('?')[1] ?? '');
      demandKey(request, options, query);
      return page(path, read(query), query);
    });

  const chargeOf = (intent: Intent) =>
    toChargeWire(
      intent,
      ledger.disputes().some(({ intentId }) => intentId === intent.id),
    );

  list('/v1/payment_intents', (query) => {
    const isExpanded = Object.values(texts(query, 'expand')).includes('data.latest_charge');
    return ledger.intents().map((intent) => {
      const wire = toIntentWire(intent, url);
      return isExpanded && intent.chargeId ? { ...wire, latest_charge: chargeOf(intent) } : wire;
    });
  });
  list('/v1/refunds', (query) => {
    const intentId = text(query, 'payment_intent');
    const refunds = ledger.refunds().filter((refund) => !intentId || refund.intentId === intentId);
    return refunds.map(toRefundWire);
  });
  list('/v1/disputes', (query) => {
    const intentId = text(query, 'payment_intent');
    const disputes = ledger.disputes().filter((dispute) => !intentId || dispute.intentId === intentId);
    return disputes.map(toDisputeWire);
  });
  list('/v1/events', (query) => {
    const type = text(query, 'type');
    const events = ledger.events().filter((event) => !type || event.type === type);
    return events.map(toEventWire);
  });
  scope.get<{ Params: IdParams }>('/v1/refunds/:id', HIDE, async (request) => {
    demandKey(request, options, {});
    const refund = ledger.refund(request.params.id);
    if (!refund) throw missing('refund', request.params.id, 'refund');
    return toRefundWire(refund);
  });
  scope.get<{ Params: IdParams }>('/v1/events/:id', HIDE, async (request) => {
    demandKey(request, options, {});
    const event = ledger.event(request.params.id);
    if (!event) throw missing('event', request.params.id, 'id');
    return toEventWire(event);
  });
  scope.get<{ Params: IdParams }>('/v1/charges/:id', HIDE, async (request) => {
    demandKey(request, options, {});
    const intent = ledger.intents().find(({ chargeId }) => chargeId === request.params.id);
    if (!intent) throw missing('charge', request.params.id, 'charge');
    return chargeOf(intent);
  });
}

/** The page a bank would show; `outcome` is `succeed` or `fail`. */
function authenticationPage(scope: FastifyInstance, options: StripeRoutesOptions): void {
  const path = '/v1/test_helpers/payment_intents/:id/authenticate';
  scope.get<{ Params: IdParams }>(path, HIDE, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(
        '<!doctype html><title>Your bank</title><form method="post"><p>Is it you who pays?</p>' +
          '<button name="outcome" value="succeed">Yes</button> <button name="outcome" value="fail">No</button></form>',
      ),
  );
  scope.post<{ Params: IdParams }>(path, HIDE, (request, reply) => {
    const outcome = options.operations.authenticateIntent(request.params.id, (request.body ?? {}) as Form);
    return write(reply, outcome, options);
  });
}

/** One POST: whose key, whether its idempotency key was seen, and else the change, written before it is answered. */
async function change(
  request: FastifyRequest,
  reply: FastifyReply,
  options: StripeRoutesOptions,
  operate: (form: Form) => Outcome,
  openToPages?: string,
): Promise<FastifyReply> {
  const form = (request.body ?? {}) as Form;
  const isPage = demandKey(request, options, form, openToPages);
  const header = request.headers['idempotency-key'];
  const key = typeof header === 'string' ? header : undefined;
  const fingerprint = `${request.method} ${request.url} ${JSON.stringify(form)}`;
  const kept = key && options.ledger.answer(key);
  if (kept && kept.fingerprint !== fingerprint) {
    throw new StripeRefusal(CONFLICTING_KEY, {
      type: 'idempotency_error',
      message: `Keys for idempotent requests can only be used with the same parameters they were first used with (${key}).`,
    });
  }
  if (kept) return reply.code(kept.status).header('idempotent-replayed', 'true').send(kept.body);
  const outcome = operate(form);
  const body = isPage ? visible(outcome.body as IntentWire, true) : outcome.body;
  const answer = { fingerprint, status: outcome.status, body, at: options.clock.now() };
  const changes = key
    ? [...outcome.changes, { kind: 'answer' as const, key, value: answer }]
    : outcome.changes;
  return write(reply, { ...outcome, body, changes }, options);
}

async function write(
  reply: FastifyReply,
  outcome: Outcome,
  options: StripeRoutesOptions,
): Promise<FastifyReply> {
  await options.ledger.write(outcome.changes);
  for (const { kind, value } of outcome.changes) if (kind === 'event') options.delivery.add(value);
  return reply.code(outcome.status).send(outcome.body);
}

/** True for the publishable key, which a page has: it may touch one intent, whose client secret it must give. */
function demandKey(
  request: FastifyRequest,
  options: StripeRoutesOptions,
  form: Form,
  intentId?: string,
): boolean {
  const key = keyOf(request) ?? text(form, 'key');
  if (key === options.secretKey) return false;
  if (key !== options.publishableKey) throw unauthorized('Invalid API Key provided.');
  if (intentId === undefined) throw unauthorized('This API call cannot be made with a publishable API key.');
  const intent = options.ledger.intent(intentId);
  if (intent && text(form, 'client_secret') === intent.clientSecret) return true;
  throw invalid('The client_secret does not match the PaymentIntent.', { param: 'client_secret' });
}

function keyOf(request: FastifyRequest): string | undefined {
  const [scheme, credentials = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() === 'bearer') return credentials;
  if (scheme?.toLowerCase() === 'basic') return Buffer.from(credentials, 'base64').toString().split(':')[0];
  return undefined;
}

/** A page sees no metadata and no charge. */
function visible(intent: IntentWire, isPage: boolean): Partial<IntentWire> {
  if (!isPage || !('client_secret' in intent)) return intent;
  const { metadata: _metadata, latest_charge: _charge, ...rest } = intent;
  return rest;
}

function page(
  url: string,
  items: readonly { readonly id: string | null; readonly created: number }[],
  query: Form,
) {
  const limit = Number(text(query, 'limit') ?? DEFAULT_LIST);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST)
    throw invalid('Invalid integer', { param: 'limit' });
  const created = query.created;
  const bounds = typeof created === 'object' ? created : {};
  const from = Number(text(bounds, 'gte') ?? 0);
  const to = Number(text(bounds, 'lte') ?? Number.POSITIVE_INFINITY);
  const matching = items.filter((item) => item.created >= from && item.created <= to);
  const after = text(query, 'starting_after');
  const start = after === undefined ? 0 : matching.findIndex(({ id }) => id === after) + 1;
  const data = matching.slice(start, start + limit);
  return { object: 'list', url, has_more: start + limit < matching.length, data };
}
