import type { Stripe } from '@stripe/stripe-js';

/** Loads Stripe's script from Stripe, on this page alone. Rejects when it cannot be loaded or the key is refused. */
export async function loadStripeScript(publishableKey: string): Promise<Stripe> {
  const { loadStripe } = await import('@stripe/stripe-js/pure');
  const stripe = await loadStripe(publishableKey);
  if (!stripe) throw new Error('Stripe’s script gave nothing');
  return stripe;
}
