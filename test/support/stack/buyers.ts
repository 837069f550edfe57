import { setTimeout } from 'node:timers/promises';
import { call } from '../test-app.ts';

/** The buyers of the platform, with their requests and answers. */
export interface Buyers {
  readonly asked: readonly Asked[];
  /** Starts no more requests; resolves when all have their answers. */
  stop(): Promise<void>;
}

export type Kind = 'place' | 'read' | 'cancel' | 'intent' | 'checkout';

export interface Asked {
  readonly kind: Kind;
  /** 0: the connection broke. */
  readonly status: number;
  readonly code: string | undefined;
  readonly ms: number;
  readonly endedAt: number;
}

/** Seats of a session that are sold nowhere else. */
export interface Hall {
  readonly event_id: string;
  readonly session_id: string;
  readonly organization_id: string;
  readonly seatIds: readonly string[];
}

const BUYERS = 10;
const PAUSE_MS = 300;
const RENEW_MS = 5_000;
const EXPECTED: readonly number[] = [200, 201, 204, 400, 409];

/** Whether the platform failed the buyer; a refusal because a seat is taken or a hold has ended is an answer. */
export function isFailure({ status }: Asked): boolean {
  return !EXPECTED.includes(status);
}

/** The arena of the demo venue: ten thousand plain seats. */
export async function openHall(url: string): Promise<Hall> {
  const events = (await call(url, 'GET', '/api/event-query/v1/events/trending?limit=20')).body;
  const event = events.find(({ title }: { title: string }) => title === 'Load test arena');
  const sessions = await call(url, 'GET', `/api/event-query/v1/events/${event.id}/sessions`);
  const { id } = sessions.body.content[0];
  const { body } = await call(url, 'GET', `/api/event-query/v1/sessions/${id}/seating-map`);
  const rows: { seats: { id: string }[] }[] = body.layout.blocks.flatMap(
    (block: { rows?: unknown[] }) => block.rows ?? [],
  );
  const seatIds = rows.flatMap(({ seats }) => seats.map((seat) => seat.id));
  return { event_id: event.id, session_id: id, organization_id: event.organizationId, seatIds };
}

/** Has them buy, pay, change their minds and abandon orders, without pause, until they are stopped. */
export async function sendBuyers(url: string, hall: Hall, signIn: (name: string) => Promise<string>): Promise<Buyers> {
  const asked: Asked[] = [];
  const stopping = new AbortController();
  let token = await signIn('buyer');
  // A page does the same: it keeps using the token that it has until it gets another.
  const renewing = (async () => {
    while (!stopping.signal.aborted) {
      await setTimeout(RENEW_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      token = await signIn('buyer').catch(() => token);
    }
  })();

  async function ask(kind: Kind, method: string, path: string, body?: unknown) {
    const began = performance.now();
    const answer = await call(url, method, path, { token, body }).catch(() => undefined);
    const { status = 0 } = answer ?? {};
    const code = answer?.body?.code;
    asked.push({ kind, status, code, ms: performance.now() - began, endedAt: performance.now() });
    return answer;
  }

  async function turn(): Promise<void> {
    const at = Math.floor(Math.random() * (hall.seatIds.length - 1));
    const { seatIds, ...where } = hall;
    const seat_ids = seatIds.slice(at, at + 1 + Math.round(Math.random()));
    const placed = await ask('place', 'POST', '/api/order', { ...where, seat_ids });
    if (placed?.status !== 201) return;
    const path = `/api/order/${placed.body.order_id}`;
    const mood = Math.random();
    if (mood < 0.3) await ask('cancel', 'DELETE', path);
    else if (mood < 0.6) await pay(path, mood < 0.5);
    else await ask('read', 'GET', path);
  }

  /** Pays with a card at Stripe, as a page does; with `looks` the buyer does not wait for Stripe's report. */
  async function pay(path: string, looks: boolean): Promise<void> {
    const intent = await ask('intent', 'POST', `${path}/create-payment-intent`);
    if (intent?.status !== 200) return;
    const { paymentIntentId, clientSecret } = intent.body;
    await fetch(`${url}/v1/payment_intents/${paymentIntentId}/confirm`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_test_embedded' },
      body: new URLSearchParams({ payment_method: 'pm_card_visa', client_secret: clientSecret }),
    });
    if (looks) await ask('checkout', 'POST', `${path}/checkout`);
  }

  const all = Array.from({ length: BUYERS }, async () => {
    while (!stopping.signal.aborted) {
      await turn();
      await setTimeout(PAUSE_MS * 2 * Math.random(), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  });
  return {
    asked,
    async stop() {
      stopping.abort();
      await Promise.all([...all, renewing]);
    },
  };
}
