import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { atEnd } from './at-end.ts';
import { close, listen } from './servers.ts';

type Wire = Record<string, unknown>;

/** Stripe's API as a test defines it, for answers that the embedded one cannot be made to give. */
export interface StubStripe {
  readonly url: string;
  readonly intents: Map<string, Wire>;
  readonly refunds: Wire[];
  readonly disputes: Wire[];
  /** Every call that changes something, with its idempotency key. */
  readonly changes: { readonly path: string; readonly key: string; readonly form: URLSearchParams }[];
  /** The status of a new refund. */
  refundStatus: string;
  isUnavailable: boolean;
}

export async function startStubStripe(): Promise<StubStripe> {
  const stub: Omit<StubStripe, 'url'> = {
    intents: new Map(),
    refunds: [],
    disputes: [],
    changes: [],
    refundStatus: 'succeeded',
    isUnavailable: false,
  };
  /** The first answer to each idempotency key, as Stripe keeps it. */
  const answers = new Map<string, Wire>();
  const server = createServer(async (request, response) => {
    if (stub.isUnavailable) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', 'http://stub');
    const body = request.method === 'POST' ? await changed(stub, answers, request, url) : read(stub, url);
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? missing(url)));
  });
  const url = await listen(server);
  atEnd(() => close(server));
  return Object.assign(stub, { url });
}

function missing({ pathname }: URL): Wire {
  return { error: { type: 'invalid_request_error', code: 'resource_missing', message: `No such ${pathname}.` } };
}

async function changed(
  stub: Omit<StubStripe, 'url'>,
  answers: Map<string, Wire>,
  request: IncomingMessage,
  { pathname }: URL,
): Promise<Wire | undefined> {
  const form = new URLSearchParams(await text(request));
  const key = String(request.headers['idempotency-key'] ?? '');
  stub.changes.push({ path: pathname, key, form });
  const known = answers.get(key);
  if (key !== '' && known) return known;
  const answer = change(stub, pathname, form);
  if (answer) answers.set(key, answer);
  return answer;
}

function change(stub: Omit<StubStripe, 'url'>, path: string, form: URLSearchParams): Wire | undefined {
  if (path === '/v1/refunds') {
    const refund = {
      id: `re_${stub.refunds.length + 1}`,
      object: 'refund',
      payment_intent: form.get('payment_intent'),
      amount: Number(form.get('amount')),
      metadata: { refund_id: form.get('metadata[refund_id]') },
      status: stub.refundStatus,
    };
    stub.refunds.push(refund);
    return { ...refund };
  }
  const [, id = ''] = /^\/v1\/payment_intents\/([^/]+)\/cancel$/.exec(path) ?? [];
  const intent = stub.intents.get(id);
  if (!intent) return undefined;
  const canceled = { ...intent, status: 'canceled' };
  stub.intents.set(id, canceled);
  return canceled;
}

function read(stub: Omit<StubStripe, 'url'>, { pathname, searchParams }: URL): Wire | undefined {
  const about = searchParams.get('payment_intent');
  const list = (data: readonly Wire[]) => ({ object: 'list', has_more: false, data });
  if (pathname === '/v1/refunds') return list(stub.refunds.filter((each) => each.payment_intent === about));
  if (pathname === '/v1/disputes') return list(stub.disputes.filter((each) => each.payment_intent === about));
  if (pathname === '/v1/payment_intents') return list([...stub.intents.values()]);
  return stub.intents.get(pathname.replace('/v1/payment_intents/', ''));
}
