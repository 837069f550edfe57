import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import type { IdSource } from '../../kernel/ids.ts';
import { NotStored } from '../journal.ts';
import { type Form, parseForm, text, texts } from './form.ts';
import type { Intent } from './intent.rules.ts';
import { type IntentWire, toChargeWire, toDisputeWire, toIntentWire, toRefundWire } from './intent.wire.ts';
import type { Ledger } from './ledger.ts';
import { Operations, type Outcome } from './operations.ts';
import { found, invalid, StripeRefusal, unauthorized } from './stripe-error.ts';
import { toEventWire, type WebhookDelivery } from './webhook-delivery.ts';

const MAX_LIST = 100;
const DEFAULT_LIST = 10;
const SERVER_ERROR = 500;
const UNAVAILABLE = 503;
const CONFLICTING_KEY = 400;
const HIDE = { schema: { hide: true } } as const;

interface IdParams {
  readonly id: string;
}

interface StripeRoutesNeeds {
  readonly ledger: Ledger;
  readonly delivery: Pick<WebhookDelivery, 'add'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly url: string;
  readonly secretKey: string;
  readonly publishableKey: string;
}

/** Stripe's API at its own paths: https://docs.stripe.com/api */
export class StripeRoutes {
  readonly #needs: StripeRoutesNeeds;
  readonly #operations: Operations;

  constructor(needs: StripeRoutesNeeds) {
    this.#needs = needs;
    this.#operations = new Operations(needs.ledger, needs.clock, needs.ids, needs.url);
  }

  addRoutes(scope: FastifyInstance): void {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, parseForm(body.toString())),
    );
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('request-id', `req_${this.#needs.ids.uuid()}`);
    });
    scope.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      if (error instanceof StripeRefusal) return reply.code(error.status).send({ error: error.body });
      const status = error.statusCode ?? (error instanceof NotStored ? UNAVAILABLE : SERVER_ERROR);
      const type = status < SERVER_ERROR ? 'invalid_request_error' : 'api_error';
      return reply.code(status).send({ error: { type, message: error.message } });
    });
    this.#addWrites(scope);
    this.#addIntentReads(scope);
    this.#addLists(scope);
    this.#addReads(scope);
    this.#addAuthenticationPage(scope);
  }

  #addWrites(scope: FastifyInstance): void {
    const operations = this.#operations;
    const intents = '/v1/payment_intents';
    const post = (path: string, operate: (id: string, form: Form) => Outcome, isOpenToPages = false) =>
      scope.post<{ Params: IdParams }>(path, HIDE, (request, reply) => {
        const { id } = request.params;
        return this.#change(request, reply, (form) => operate(id, form), isOpenToPages ? id : undefined);
      });
    post(intents, (_id, form) => operations.createIntent(form));
    post(`${intents}/:id`, (id, form) => operations.updateIntent(id, form));
    post(`${intents}/:id/confirm`, (id, form) => operations.confirmIntent(id, form), true);
    post(`${intents}/:id/cancel`, (id, form) => operations.cancelIntent(id, form));
    post('/v1/refunds', (_id, form) => operations.createRefund(form));
    post('/v1/disputes/:id', (id, form) => operations.answerDispute(id, form));
  }

  #addIntentReads(scope: FastifyInstance): void {
    scope.get<{ Params: IdParams }>('/v1/payment_intents/:id', HIDE, async (request) => {
      const isPage = this.#requireKey(request, request.query as Form, request.params.id);
      const { id } = request.params;
      const intent = found(this.#needs.ledger.intent(id), 'payment_intent', id, 'intent');
      return visible(toIntentWire(intent, this.#needs.url), isPage);
    });
    this.#addList(scope, '/v1/payment_intents', (query) => {
      const isExpanded = Object.values(texts(query, 'expand')).includes('data.latest_charge');
      return this.#needs.ledger.intents().map((intent) => {
        const wire = toIntentWire(intent, this.#needs.url);
        return isExpanded && intent.chargeId ? { ...wire, latest_charge: this.#chargeOf(intent) } : wire;
      });
    });
  }

  #addLists(scope: FastifyInstance): void {
    this.#addList(scope, '/v1/refunds', (query) => {
      const intentId = text(query, 'payment_intent');
      const refunds = this.#needs.ledger.refunds().filter((refund) => !intentId || refund.intentId === intentId);
      return refunds.map(toRefundWire);
    });
    this.#addList(scope, '/v1/disputes', (query) => {
      const intentId = text(query, 'payment_intent');
      const disputes = this.#needs.ledger.disputes().filter((dispute) => !intentId || dispute.intentId === intentId);
      return disputes.map(toDisputeWire);
    });
    this.#addList(scope, '/v1/events', (query) => {
      const type = text(query, 'type');
      const events = this.#needs.ledger.events().filter((event) => !type || event.type === type);
      return events.map(toEventWire);
    });
  }

  #addReads(scope: FastifyInstance): void {
    const get = (path: string, read: (id: string) => unknown) =>
      scope.get<{ Params: IdParams }>(path, HIDE, async (request) => {
        this.#requireKey(request, {});
        return read(request.params.id);
      });
    get('/v1/refunds/:id', (id) => toRefundWire(found(this.#needs.ledger.refund(id), 'refund', id)));
    get('/v1/events/:id', (id) => toEventWire(found(this.#needs.ledger.event(id), 'event', id, 'id')));
    get('/v1/charges/:id', (id) => {
      const intent = this.#needs.ledger.intents().find(({ chargeId }) => chargeId === id);
      return this.#chargeOf(found(intent, 'charge', id));
    });
  }

  /** The page of the buyer's bank; `outcome` is `succeed` or `fail`. */
  #addAuthenticationPage(scope: FastifyInstance): void {
    const path = '/v1/test_helpers/payment_intents/:id/authenticate';
    scope.get<{ Params: IdParams }>(path, HIDE, async (_request, reply) =>
      reply
        .headers({
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        })
        .send(
          '<!doctype html><title>Your bank</title><form method="post"><p>Do you confirm this payment?</p>' +
            '<button name="outcome" value="succeed">Yes</button> <button name="outcome" value="fail">No</button></form>',
        ),
    );
    scope.post<{ Params: IdParams }>(path, HIDE, (request, reply) => {
      const form = (request.body ?? {}) as Form;
      return this.#write(reply, this.#operations.authenticateIntent(request.params.id, form));
    });
  }

  #addList(
    scope: FastifyInstance,
    path: string,
    read: (query: Form) => { readonly id: string | null; readonly created: number }[],
  ): void {
    scope.get(path, HIDE, async (request) => {
      const query = parseForm(request.url.split('?')[1] ?? '');
      this.#requireKey(request, query);
      return page(path, read(query), query);
    });
  }

  #chargeOf(intent: Intent) {
    const isDisputed = this.#needs.ledger.disputes().some(({ intentId }) => intentId === intent.id);
    return toChargeWire(intent, isDisputed);
  }

  /** Handles a POST: checks the API key, repeats the answer to a known idempotency key, or writes the change and answers. */
  async #change(
    request: FastifyRequest,
    reply: FastifyReply,
    operate: (form: Form) => Outcome,
    openToPages?: string,
  ): Promise<FastifyReply> {
    const form = (request.body ?? {}) as Form;
    const isPage = this.#requireKey(request, form, openToPages);
    const header = request.headers['idempotency-key'];
    const key = typeof header === 'string' ? header : undefined;
    const fingerprint = `${request.method} ${request.url} ${JSON.stringify(form)}`;
    const stored = key && this.#needs.ledger.answer(key);
    if (stored && stored.fingerprint !== fingerprint) {
      throw new StripeRefusal(CONFLICTING_KEY, {
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used with the same parameters they were first used with (${key}).`,
      });
    }
    if (stored) return reply.code(stored.status).header('idempotent-replayed', 'true').send(stored.body);
    const outcome = operate(form);
    const body = isPage ? visible(outcome.body as IntentWire, true) : outcome.body;
    const answer = { fingerprint, status: outcome.status, body, at: this.#needs.clock.now() };
    const changes = key ? [...outcome.changes, { kind: 'answer' as const, key, value: answer }] : outcome.changes;
    return this.#write(reply, { ...outcome, body, changes });
  }

  async #write(reply: FastifyReply, outcome: Outcome): Promise<FastifyReply> {
    await this.#needs.ledger.write(outcome.changes);
    for (const { kind, value } of outcome.changes) if (kind === 'event') this.#needs.delivery.add(value);
    return reply.code(outcome.status).send(outcome.body);
  }

  /** True for the publishable key of pages, which gives access to one intent together with its client secret. */
  #requireKey(request: FastifyRequest, form: Form, intentId?: string): boolean {
    const key = keyOf(request) ?? text(form, 'key');
    if (key === this.#needs.secretKey) return false;
    if (key !== this.#needs.publishableKey) throw unauthorized('Invalid API Key provided.');
    if (intentId === undefined) throw unauthorized('This API call cannot be made with a publishable API key.');
    const intent = this.#needs.ledger.intent(intentId);
    if (intent && text(form, 'client_secret') === intent.clientSecret) return true;
    throw invalid('The client_secret does not match the PaymentIntent.', { param: 'client_secret' });
  }
}

function keyOf(request: FastifyRequest): string | undefined {
  const [scheme, credentials = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() === 'bearer') return credentials;
  if (scheme?.toLowerCase() === 'basic') return Buffer.from(credentials, 'base64').toString().split(':')[0];
  return undefined;
}

/** The fields of an intent that pages may read: no metadata and no charge. */
function visible(intent: IntentWire, isPage: boolean): Partial<IntentWire> {
  if (!isPage || !('client_secret' in intent)) return intent;
  const { metadata: _metadata, latest_charge: _charge, ...rest } = intent;
  return rest;
}

function page(url: string, items: readonly { readonly id: string | null; readonly created: number }[], query: Form) {
  const limit = Number(text(query, 'limit') ?? DEFAULT_LIST);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST) throw invalid('Invalid integer', { param: 'limit' });
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
