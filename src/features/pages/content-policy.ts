import type { PageSettings } from './schemas.ts';

/** Stripe's script loads its form from here, and the banks' 3-D Secure pages (https://docs.stripe.com/security/guide). */
const STRIPE_SCRIPTS = 'https://js.stripe.com';
const STRIPE_FRAMES = ['https://js.stripe.com', 'https://hooks.stripe.com'];
const STRIPE_CALLS = 'https://api.stripe.com';

export type PageKind = 'page' | 'payment';

/**
 * The Content-Security-Policy of a page (https://www.w3.org/TR/CSP3/): scripts and styles from this service alone, calls to it,
 * to the sign-in and to the catalogue. A page with a payment form also permits Stripe.
 */
export function contentPolicy(kind: PageKind, settings: PageSettings): string {
  const paysAtStripe = kind === 'payment' && !settings.stripe.embedded;
  const calls = [settings.oidc.issuer, settings.catalogue_url].flatMap((address) => originOf(address) ?? []);
  const directives: Readonly<Record<string, readonly string[]>> = {
    'default-src': ["'none'"],
    'script-src': ["'self'", ...(paysAtStripe ? [STRIPE_SCRIPTS] : [])],
    'style-src': ["'self'"],
    'font-src': ["'self'"],
    'img-src': ["'self'", 'data:', 'blob:', 'https:'],
    'connect-src': ["'self'", ...new Set(calls), ...(paysAtStripe ? [STRIPE_CALLS] : [])],
    'frame-src': paysAtStripe ? STRIPE_FRAMES : ["'none'"],
    'manifest-src': ["'self'"],
    'worker-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'", ...new Set(calls)],
    'frame-ancestors': ["'none'"],
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ');
}

function originOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).origin : undefined;
}
