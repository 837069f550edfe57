import { NoAnswer } from '../../lib/api/problem.ts';

/** Cards of the stand-in for Stripe, by what they do (https://docs.stripe.com/testing#cards). */
export const TEST_CARDS = {
  works: { number: '4242 4242 4242 4242', method: 'pm_card_visa' },
  declined: { number: '4000 0000 0000 0002', method: 'pm_card_chargeDeclined' },
  authenticates: { number: '4000 0025 0000 3155', method: 'pm_card_authenticationRequired' },
} as const;
export type TestCard = keyof typeof TEST_CARDS;

/** What came of a payment with the stand-in. */
export type Outcome =
  | { readonly outcome: 'succeeded' }
  | { readonly outcome: 'authenticate' }
  | { readonly outcome: 'declined'; readonly message: string };

interface Intent {
  readonly status?: string;
  readonly error?: { readonly message?: string };
  readonly last_payment_error?: { readonly message?: string } | null;
}

/** Pays a PaymentIntent with a test card, as Stripe's form would. Throws `NoAnswer` when it is unknown what came of it. */
export async function payWithTestCard(key: string, clientSecret: string, card: TestCard): Promise<Outcome> {
  const form = { payment_method: TEST_CARDS[card].method, client_secret: clientSecret };
  return outcomeOf(await post(`/v1/payment_intents/${intentOf(clientSecret)}/confirm`, key, form));
}

/** Answers what the buyer's bank asks. */
export async function authenticate(key: string, clientSecret: string, isConfirmed: boolean): Promise<Outcome> {
  const path = `/v1/test_helpers/payment_intents/${intentOf(clientSecret)}/authenticate`;
  return outcomeOf(await post(path, key, { outcome: isConfirmed ? 'succeed' : 'fail' }));
}

function intentOf(clientSecret: string): string {
  return clientSecret.replace(/_secret_.*$/, '');
}

async function post(path: string, key: string, form: Readonly<Record<string, string>>): Promise<Intent> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form),
    });
    return await response.json();
  } catch (error) {
    throw new NoAnswer(error);
  }
}

function outcomeOf({ status, error, last_payment_error: last }: Intent): Outcome {
  if (status === 'succeeded') return { outcome: 'succeeded' };
  if (status === 'requires_action') return { outcome: 'authenticate' };
  return { outcome: 'declined', message: error?.message ?? last?.message ?? '' };
}
